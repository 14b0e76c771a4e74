"""A merged export answers like the pack it came from."""

import json

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from ext_models import packs
from ext_models.__main__ import main
from ext_models.commands.export_merged import export_merged
from ext_models.language import vocabulary as voc
from ext_models.language.base_models import adapters as m
from ext_models.language.instructions import instruction, text_ids
from ext_models.packs import PackError
from tests.support import tiny_pack
from tests.support.bases import CONFIGS, VOCABULARY, write_base


@pytest.fixture(params=["llama, untied", "qwen2", "gpt2"])
def pack(request, tmp_path):
    """A pack on a base of its own place, its adapter moved away from nothing."""
    folder = tiny_pack.write(tmp_path / "pack")
    base = write_base(tmp_path / "base", CONFIGS[request.param])
    model, text = m.load_base(str(base), None, VOCABULARY)
    ids = voc.TokenIds.of(text, VOCABULARY)
    adapted = m.add_adapter(model, m.AdapterConfig(rank=2), [ids.ids[t] for t in VOCABULARY.added])
    with torch.no_grad():
        for p in adapted.parameters():
            if p.requires_grad:
                p.add_(0.1 * torch.randn_like(p))
    m.save_adapter(adapted, folder / "adapter", str(base))
    body = json.loads((folder / "pack.json").read_text()) | {"base_model": str(base)}
    (folder / "pack.json").write_text(json.dumps(body))
    return folder


def test_the_export_is_the_pack(pack, tmp_path, capsys):
    out = tmp_path / "merged"
    assert main(["export-merged", "--pack", str(pack), "--out", str(out)]) == 0
    assert "vllm serve" in capsys.readouterr().out
    plain = AutoModelForCausalLM.from_pretrained(out).eval()
    text = AutoTokenizer.from_pretrained(out)
    model, own = m.load_model(pack, packs.read_manifest(pack), VOCABULARY, "cpu")
    ids = voc.TokenIds.of(own, VOCABULARY)
    asked = instruction(text_ids(own, "a person walks"), 5, [], ids)
    tokens = torch.tensor([[*asked, *ids.of_codes([[1, 2], [3, 4]])]])
    with torch.no_grad():
        gap = plain(input_ids=tokens).logits - model(input_ids=tokens).logits
    assert float(gap.abs().max()) < 1e-4
    note = json.loads((out / "motion.json").read_text())
    # The text alone is enough for a server: its tokens are those of the instruction.
    message = text("a person walks.<len_5><motion>").input_ids
    assert message == asked
    assert note["example"]["stop_token_ids"] == [ids.end]
    assert ids.end in plain.generation_config.eos_token_id
    assert plain.config.vocab_size == plain.get_input_embeddings().weight.shape[0]
    again = plain.generate(torch.tensor([asked]), max_new_tokens=4, do_sample=False)
    assert np.shape(again)[1] > len(asked)


def test_an_export_that_cannot_be(tmp_path):
    folder = tiny_pack.write(tmp_path / "pack")
    with pytest.raises(PackError, match="is there already"):
        export_merged(folder, folder)
    with pytest.raises(PackError, match="choose one of"):
        export_merged(folder, tmp_path / "out", "int3")
    (folder / "adapter" / "adapter_model.safetensors").unlink()
    with pytest.raises(PackError, match="is missing"):
        export_merged(folder, tmp_path / "out")
    assert {p.name for p in tmp_path.iterdir()} == {"pack"}
