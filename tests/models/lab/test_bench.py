"""The bench measures every way on one pack; what the numbers are is the machine's affair."""

from ext_models.__main__ import main
from ext_models.evaluation.tables import Table
from ext_models.lab import bench, rival_networks
from tests.support import tiny_pack


def test_every_way_is_measured_against_the_first(tmp_path, capsys):
    pack = tiny_pack.write(tmp_path / "pack")
    out = tmp_path / "bench.json"
    call = ["bench", "--pack", str(pack), "--seconds", "0.6", "--rounds", "1", "--out", str(out)]
    assert main([*call, "--device", "cpu"]) == 0, capsys.readouterr().err
    rows = {row.name: row.values for row in Table.load(out).rows}
    assert next(iter(rows)) == bench.BASELINE
    assert rows[bench.BASELINE]["motions/s, ratio"] == 1.0
    for name in (
        "one motion, no cache",
        "one motion, static cache",
        "one motion, guidance",
        "4 motions at once",
        "16 motions at once",
        "one motion, whole head",
        "16 motions at once, whole head",
        "LoRA step of 16 motions",
        "LoRA step of 16 motions, whole head",
        "one motion as digits",
    ):
        assert rows[name]["tokens/s"] > 0
    # 3 steps: 2 levels of tokens each; as digits at least one and a comma or the end.
    assert rows[bench.BASELINE]["tokens a motion"] == 6
    assert 6 <= rows["one motion as digits"]["tokens a motion"] <= 9


def test_a_base_of_smollm2_s_sizes(monkeypatch):
    """Its words and its added tokens have rows of their own."""
    small = {"hidden_size": 18, "intermediate_size": 8, "vocab_size": 1000}
    config = bench.SMOLLM2.to_diff_dict() | small
    monkeypatch.setattr(bench, "SMOLLM2", bench.LlamaConfig(**config))
    text = tiny_pack.text_tokenizer()
    made = bench.random_generator(2, text, tiny_pack.VOCABULARY)
    assert len(made.model.model.layers) == 2
    assert made.ids.added == slice(1000, len(made.model.lm_head.weight))
    names = [variant.name for variant in bench.Bench(made, 2, 12).variants()]
    assert names[0] == bench.BASELINE
    learning = bench.Bench(made, 2, 12).variants()[-2:]
    assert [variant.write() for variant in learning] == [5, 5]


def test_whole_requests_stand_beside_the_sizes_of_other_models(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(rival_networks.Mdm, "STEPS", 1)
    monkeypatch.setattr(rival_networks.MoMask, "PASSES", 1)
    pack, out = tiny_pack.write(tmp_path / "pack"), tmp_path / "bench.json"
    call = ["bench", "--pack", str(pack), "--seconds", "0.6", "--rounds", "1", "--device", "cpu"]
    assert main([*call, "--requests", "--candidates", "2", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "the floor of" in printed and "median of 1" in printed
    rows = {row.name: row.values for row in Table.load(out).rows}
    first = rows["a request, 2 candidates"]
    assert first["ratio to the first"] == 1.0 and first["s a motion"] == first["s"] / 2
    stages = sum(values["s"] for name, values in rows.items() if name.startswith("- of it"))
    assert 0.5 * first["s"] < stages <= 1.01 * first["s"]
    for name in ("MDM's size, 50 steps", "MoMask's size, 10 + 5 passes"):
        one, two = rows[f"{name}, one motion"], rows[f"{name}, 2 motions"]
        assert one["s"] > 0 and two["s a motion"] == two["s"] / 2


def test_the_networks_have_the_published_sizes():
    """Millions of parameters without the text encoder: 17.9 and, without its encoder, MoMask."""
    for network, low, high in ((rival_networks.Mdm(), 17, 18), (rival_networks.MoMask(), 31, 34)):
        count = sum(p.numel() for name, p in network.named_parameters() if "text." not in name)
        assert low < count / 1e6 < high


def test_a_bench_that_cannot_be(tmp_path, capsys):
    pack = tiny_pack.write(tmp_path / "pack")
    assert main(["bench", "--pack", str(pack), "--seconds", "9"]) == 1
    assert "the pack makes up to 2.0" in capsys.readouterr().err
    assert main(["bench", "--pack", str(pack), "--rounds", "0"]) == 1
    assert "--rounds 0" in capsys.readouterr().err
    assert main(["bench", "--pack", str(pack), "--layers", "0"]) == 1
    assert "--layers 0" in capsys.readouterr().err
    assert main(["bench", "--pack", str(pack), "--candidates", "0"]) == 1
    assert "--candidates 0" in capsys.readouterr().err
    assert main(["bench", "--pack", str(pack), "--requests", "--layers", "2"]) == 1
    assert "leave --layers out" in capsys.readouterr().err
