"""Every text that the add-on shows, read off its source and its registered classes.

``tests/bpy/panel/test_translations.py`` compares them with the files in ``translations/``.
"""

import ast
import re
import string

from tests.support.imports import ROOT

ADDON = ROOT / "motiongpt_blender"
#: Functions whose first argument is a message.
MARKERS = {"tr", "msgid"}
#: Keywords and helpers whose literal text Blender translates as it draws.
DRAWN = {"text", "heading", "placeholder"}
#: Of the property ``name``, which every group has.
BLENDERS_OWN = {
    "Name",
    "Unique name used in the code and scripting",
    "Unique name used in the code and scripting, can be re-defined in Python sub-classes if needed",
}
#: Calls whose strings nobody reads: names, patterns, logs, errors of programming.
SILENT = re.compile(
    r"bpy\.props\.|re\.compile|logger|_LOG|cast$|TypeVar|setattr|getattr|hasattr|NewType"
    r"|(ValueError|TypeError|AssertionError|KeyError|NotImplementedError|RuntimeError)$"
)
#: Phrases for programs, logs and developers.
NO_MESSAGES = {
    # of a report or a log, which helpers and developers read
    "MotionGPT for Blender", "Model process", "not running", "Set up", "not readable",
    "What I did: ", "What happened: ", "MotionGPT: {}, {}, {}",
    "it sent a {}", "joints must be an array of real numbers.",
    "The motion could not be put on '%s'", "The sequence of '%s' was stopped",
    "What MotionGPT draws over the editor is not complete.", "The prompt is not remembered: %s",
    # names of data, of Blender's own things, of folders
    "MotionGPT Sequence", "Root Motion", "Base Color", "Time Scrub", "Object Mode",
    "Application Support",
    # of a property that is hidden, and of the drawing
    "In the List", "Kept in the list only", "On Show", "On the rig for a look", "On an NLA track",
    "left hand", "right hand", "left foot", "right foot",
    "the object's parent's, as the action moves the object",
    "the armature's, as the action moves the bone that carries the rig",
    "that of what carries the hips", "other python",
}  # fmt: skip
#: A sentence or a phrase: two words, not a pattern, a path or a command.
WORDS = re.compile(r"^(?!(?:import|apt-get|dnf|zypper) )[\w'(][\w',;:()/-]* +[\w'({][^\\^$|<>=]*$")


def message_sources():
    """The add-on's modules; the demo, the protocol and what scripts use speak English."""
    others = {"demo", "wire.py", "api.py", "command_line", "__main__.py"}
    english = {"core/shots.py", "core/panel_words.py", "core/body/terms.py", "scene/export.py"}
    return [
        path
        for path in sorted(ADDON.rglob("*.py"))
        if path.relative_to(ADDON).parts[0] not in others
        and path.relative_to(ADDON).as_posix() not in english
    ]


def said_in(path):
    """The messages of one module: what ``tr`` and ``msgid`` get, and literals that are drawn."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func).split(".")[-1]
        if name in MARKERS and node.args:
            found |= set(_literals(node.args[0]))
        if name in ("hint", "button"):
            for argument in node.args:
                found |= set(_literals(argument))
        for word in node.keywords:
            if word.arg in DRAWN:
                found |= set(_literals(word.value))
    return {text for text in found if re.search(r"[a-z]{2}", text) and "motiongpt." not in text}


def _literals(node):
    """A literal, or the literals of both branches of a choice."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _literals(node.body)
        yield from _literals(node.orelse)


def unmarked_in(path):
    """Phrases of a module that reach nobody's translation, as (line, text)."""
    tree = ast.parse(path.read_text("utf-8"))
    silent = set(_silent(tree))
    for node in ast.walk(tree):
        if id(node) in silent:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(_part(value) for value in node.values)
            words = re.sub(r"<\w[^>]*>|\{[^}]*\}", " ", text)  # neither HTML nor what is filled in
            if re.search(r"[A-Za-z]{2,} +(?:[a-z]|\.\.\.)|\b[A-Za-z]{3,}:| [a-z]{2,}\b", words):
                yield node.lineno, text
        elif isinstance(node, ast.Constant) and WORDS.match(str(node.value)):
            yield node.lineno, node.value


def _part(value):
    return value.value if isinstance(value, ast.Constant) else "{}"


def _silent(tree):
    """Ids of the nodes that are no message of ours, or one that is marked."""
    for node in ast.walk(tree):
        hidden = []
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            hidden = [node.value]  # a docstring
        elif isinstance(node, ast.JoinedStr):
            yield from (id(value) for value in node.values if isinstance(value, ast.Constant))
        elif isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            hidden = [node.format_spec]
        elif isinstance(node, ast.Assert) and node.msg is not None:
            hidden = [node.msg]
        elif isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name.split(".")[-1] in MARKERS and node.args:
                hidden = [node.args[0]]
            elif SILENT.search(name):
                hidden = [node]
            else:
                hidden = [w.value for w in node.keywords if w.arg in DRAWN]
                hidden += node.args if name in ("hint", "button") else []
                hidden = [h for h in hidden if not isinstance(h, ast.JoinedStr)]
        for top in hidden:
            yield from (id(inside) for inside in ast.walk(top))


def words_of_parts():
    """Parts of the body as the messages and the list of bones name them."""
    from motiongpt_blender.core.rig.bone_maps import Part

    for part in Part:
        yield part.words
        yield part.words.capitalize()
        yield part.base.replace("_", " ")
        yield part.base.removeprefix("upper_").capitalize()


def registered_texts(classes):
    """Names, tooltips and choices of the registered classes.

    Args:
        classes: those of ``registration.CLASSES``, registered.
    """
    import bpy

    found = set()
    for cls in classes:
        rna = cls.bl_rna
        labelled = (bpy.types.Panel, bpy.types.Menu, bpy.types.Operator, bpy.types.FileHandler)
        if issubclass(cls, labelled):
            found.add(cls.bl_label)
        if issubclass(cls, (bpy.types.Menu, bpy.types.Operator)):
            found.add(getattr(cls, "bl_description", "") or cls.__doc__)  # the tooltip
        if issubclass(cls, bpy.types.Operator):
            rna = getattr(bpy.ops.motiongpt, cls.bl_idname.split(".")[1]).get_rna_type()
        for name in _own_properties(cls):
            if name in rna.properties and not rna.properties[name].is_hidden:
                found |= set(_property_texts(rna.properties[name]))
    return {text for text in found if text} - BLENDERS_OWN


def _own_properties(cls):
    """Names of the properties that a class and its bases of ours declare."""
    for base in cls.__mro__:
        if base.__module__.startswith("motiongpt_blender"):
            yield from vars(base).get("__annotations__", ())


def _property_texts(prop):
    if prop.name != prop.identifier:
        yield prop.name
    yield prop.description
    if prop.type == "ENUM":
        for item in prop.enum_items_static:
            yield item.name
            yield item.description


def form(text):
    """A template with empty braces, as ``forms_in`` gives them."""
    return re.sub(r"\{[^{}]*\}", "{}", text)


def forms_in(folder):
    """The texts of a folder's modules, values as empty braces.

    Args:
        folder: of the model's process, whose messages are translated when they arrive.
    """
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.add("".join(_part(value) for value in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(form(node.value))
    return found


def placeholders(text):
    """What is filled into a message, with its format, as a sorted list."""
    return sorted(
        f"{name}!{conversion or ''}:{spec}"
        for _, name, spec, conversion in string.Formatter().parse(text)
        if name is not None
    )
