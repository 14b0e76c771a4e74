"""The bench measures every way on one pack; what the numbers are is the machine's affair."""

from ext_models.__main__ import main
from ext_models.evaluation.tables import Table
from ext_models.lab import bench
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


def test_a_bench_that_cannot_be(tmp_path, capsys):
    pack = tiny_pack.write(tmp_path / "pack")
    assert main(["bench", "--pack", str(pack), "--seconds", "9"]) == 1
    assert "the pack makes up to 2.0" in capsys.readouterr().err
    assert main(["bench", "--pack", str(pack), "--rounds", "0"]) == 1
    assert "--rounds 0" in capsys.readouterr().err
    assert main(["bench", "--pack", str(pack), "--layers", "0"]) == 1
    assert "--layers 0" in capsys.readouterr().err
