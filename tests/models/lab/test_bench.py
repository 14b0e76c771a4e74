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
        "one motion as digits",
    ):
        assert rows[name]["tokens/s"] > 0
    # 3 steps: 2 levels of tokens each; as digits at least one and a comma or the end.
    assert rows[bench.BASELINE]["tokens a motion"] == 6
    assert 6 <= rows["one motion as digits"]["tokens a motion"] <= 9


def test_a_bench_that_cannot_be(tmp_path, capsys):
    pack = tiny_pack.write(tmp_path / "pack")
    assert main(["bench", "--pack", str(pack), "--seconds", "9"]) == 1
    assert "the pack makes up to 2.0" in capsys.readouterr().err
    assert main(["bench", "--pack", str(pack), "--rounds", "0"]) == 1
    assert "--rounds 0" in capsys.readouterr().err
