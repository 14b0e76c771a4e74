"""The training loop: optimizer, schedule, validation, early stopping, resuming, what is saved."""

import math
import time
from dataclasses import replace

import pytest
import torch

from ext_models.packs import PackError
from ext_models.training.checkpoint import BestCheckpoint, Checkpoint
from ext_models.training.log import TOKEN_ACCURACY, TrainingLog, Validation
from ext_models.training.schedule import Schedule
from ext_models.training.settings import TrainerSettings
from ext_models.training.trainer import MeanLoss, Trainer, TrainingData


class Line(torch.nn.Module):
    """The smallest model that can be trained."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(3))
        self.frozen = torch.nn.Parameter(torch.ones(50), requires_grad=False)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, target):
        if self.training:
            self.seen += 1
        return ((self.weight - target) ** 2).mean()


def squares(model, batch):
    return model(batch)


def line_data(held_out=5.0, draw=lambda _: torch.randn(3)):
    validate = MeanLoss([torch.full((3,), held_out)], squares)
    return TrainingData(draw, squares, validate)


def made(folder, data, **settings):
    torch.manual_seed(3)
    chosen = {
        "steps": 12,
        "validate_every": 4,
        "save_every": 4,
        "learning_rate": 0.1,
        "warm_up": 4,
        **settings,
    }
    model = Line()
    return model, Trainer("line", model, data, TrainerSettings(**chosen), folder)


def reference(targets, learning_rate, *, clip=1.0, accumulate=1, decay=0.05, beta2=0.98):
    """The weights after steps of plain PyTorch, written out."""
    weight = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.AdamW([weight], 1.0, (0.9, beta2), weight_decay=decay)
    for step in range(len(targets) // accumulate):
        optimizer.param_groups[0]["lr"] = learning_rate(step)
        optimizer.zero_grad()
        for target in targets[step * accumulate : (step + 1) * accumulate]:
            (((weight - target) ** 2).mean() / accumulate).backward()
        torch.nn.utils.clip_grad_norm_([weight], clip)
        optimizer.step()
    return weight.detach()


def fixed(count):
    targets = list(torch.randn(count, 3, generator=torch.Generator().manual_seed(1)) * 9)
    pending = iter(targets)
    return targets, lambda _: next(pending)


# -- optimizer and schedule ----------------------------------------------------------


def cosine(step, steps=12, rate=0.1, warm_up=4):
    warm = min(1.0, (step + 1) / warm_up)
    return rate * warm * (0.02 + 0.49 * (1 + math.cos(math.pi * step / steps)))


def test_learning_rates_follow_the_schedule(tmp_path):
    """Warm-up and cosine reach the weights: they are those of the loop written out."""
    targets, draw = fixed(12)
    model, training = made(tmp_path, line_data(draw=draw))
    training.run()
    assert torch.allclose(model.weight, reference(targets, cosine), atol=1e-6)
    assert not torch.allclose(model.weight, reference(targets, lambda _: 0.1), atol=1e-2)


@pytest.mark.parametrize("clip", [0.01, 1.0, math.inf])
def test_gradients_are_clipped_to_the_norm(clip, tmp_path):
    targets, draw = fixed(12)
    model, training = made(tmp_path, line_data(draw=draw), clip_norm=clip)
    norms = []
    step = training.optimizer.step
    training.optimizer.step = lambda *a: (norms.append(float(model.weight.grad.norm())), step(*a))
    training.run()
    assert torch.allclose(model.weight, reference(targets, cosine, clip=clip), atol=1e-6)
    assert len(norms) == 12
    if clip == math.inf:
        assert max(norms) > 2
    else:
        assert max(norms) == pytest.approx(clip, rel=1e-3)


def test_settings_reach_the_optimizer(tmp_path):
    targets, draw = fixed(12)
    model, training = made(tmp_path, line_data(draw=draw), weight_decay=0.7, beta2=0.5)
    training.run()
    assert torch.allclose(model.weight, reference(targets, cosine, decay=0.7, beta2=0.5), atol=1e-6)


def test_accumulated_batches_are_one_large_batch(tmp_path):
    targets, draw = fixed(36)
    model, training = made(tmp_path, line_data(draw=draw), accumulate=3)
    log = training.run()
    assert torch.allclose(model.weight, reference(targets, cosine, accumulate=3), atol=1e-6)
    first = torch.stack(targets[:3])
    assert training.schedule.step == 12
    assert model.seen == 36
    assert log.train[0][1] != 0
    one, alone = made(tmp_path / "one", line_data(draw=lambda _: first), steps=1)
    assert alone.run().train == [(1, pytest.approx(float((first**2).mean())))]
    assert one.seen == 1


def test_the_rate_warms_up_and_falls():
    schedule = Schedule("x", TrainerSettings(steps=100, learning_rate=2.0, warm_up=10))
    assert schedule.learning_rate(0.0) == pytest.approx(0.2)
    schedule.step = 9
    assert schedule.learning_rate(0.0) == pytest.approx(2.0)
    schedule.step = 50
    assert schedule.learning_rate(0.0) == pytest.approx(2.0)
    assert schedule.learning_rate(0.5) == pytest.approx(2 * 0.51)
    assert schedule.learning_rate(1.0) == pytest.approx(0.04)
    at_once = Schedule("x", TrainerSettings(warm_up=0, learning_rate=2.0))
    assert at_once.learning_rate(0.0) == 2


def test_the_validation_at_the_end_is_part_of_the_minutes(tmp_path):
    """The time of the last one is kept for it."""
    schedule = Schedule("x", TrainerSettings(minutes=1.0))
    schedule.spent = 30.0
    assert schedule.done == 0.5
    schedule.reserved = 15.0
    assert schedule.done == 0.75
    data = line_data()
    slow = replace(data, validate=lambda model: (time.sleep(0.05), data.validate(model))[1])
    _, training = made(tmp_path, slow)
    training.run()
    assert 0.05 <= training.schedule.reserved < 5


def test_steps_or_minutes_end_the_budget(monkeypatch):
    now = iter(range(0, 10_000, 30))
    monkeypatch.setattr("time.monotonic", lambda: float(next(now)))
    schedule = Schedule("x", TrainerSettings(steps=1000, minutes=5.0), quiet=True)
    shares = []
    for done, _ in schedule:
        shares.append(done)
        schedule.step += 1
    assert len(shares) < 12
    assert shares == sorted(shares)
    assert 0.7 < shares[-1] < 1
    assert schedule.done == 1
    later = Schedule("x", TrainerSettings(steps=1000, minutes=5.0), quiet=True)
    later.load_state({"step": 7, "spent": 150.0})
    assert (later.step, later.done) == (7, 0.5)
    later.step = 900
    assert later.done == 0.9


# -- validation ----------------------------------------------------------------------


def test_validations_are_written_down(tmp_path):
    """Every few steps and at the end, in evaluation mode, without gradients."""
    modes = []

    def validate(model):
        modes.append((model.training, torch.is_grad_enabled()))
        return Validation(float(model.weight.abs().sum()), {"size": 2.0, "count": len(modes)})

    data = replace(line_data(), validate=validate)
    model, training = made(tmp_path, data, steps=10)
    log = training.run()
    assert modes == [(False, False)] * 3
    assert [step for step, _ in log.held_out] == [4, 8, 10]
    assert [step for step, _ in log.train] == [4, 8, 10]
    assert log.held_out[-1][1] == pytest.approx(float(model.weight.abs().sum()))
    assert log.metrics == {
        "size": [(4, 2.0), (8, 2.0), (10, 2.0)],
        "count": [(4, 1.0), (8, 2.0), (10, 3.0)],
    }
    assert log.last("count") == 3
    assert math.isnan(log.last(TOKEN_ACCURACY))
    assert not model.training


def test_the_training_loss_is_a_moving_average(tmp_path):
    _, draw = fixed(3)
    _, training = made(tmp_path, line_data(draw=draw), steps=3, validate_every=1)
    losses = []
    step = training._step
    training._step = lambda done: losses.append(step(done)) or losses[-1]
    log = training.run()
    average = losses[0]
    for k, loss in enumerate(losses):
        average = loss if k == 0 else 0.98 * average + 0.02 * loss
        assert log.train[k] == (k + 1, pytest.approx(average))


def test_nothing_held_out_is_no_validation(tmp_path):
    model, training = made(tmp_path, replace(line_data(), validate=None), patience=1, keep="best")
    log = training.run()
    assert (log.held_out, training.schedule.step) == ([], 12)
    assert math.isnan(log.best)
    assert model.weight.abs().max() > 0


def test_no_validation_in_between_is_one_at_the_end(tmp_path):
    log = made(tmp_path, line_data(), validate_every=0)[1].run()
    assert [step for step, _ in log.held_out] == [12]


def test_the_log_knows_its_best():
    log = TrainingLog("x")
    assert log.validations_since_best == 0
    for step, loss in enumerate([3.0, 1.0, 2.0, 1.0, 5.0], 1):
        log.add(step, 0.5, Validation(loss, {"a": 10.0 * step}))
    assert (log.best, log.validations_since_best) == (1.0, 3)
    assert log.at_best() == (2, {"a": 20.0})


def test_the_mean_loss_is_over_batches():
    model = Line()
    mean = MeanLoss([torch.zeros(3), torch.full((3,), 2.0)], squares)
    assert mean(model) == Validation(2.0)


# -- stopping, resuming, saving ------------------------------------------------------


@pytest.mark.parametrize("at", [4, 8])
def test_a_stopped_training_ends_at_the_same_weights(at, tmp_path):
    whole, training = made(tmp_path / "whole", line_data())
    log = training.run()
    first, stopped = made(tmp_path / "halves", line_data())
    stopped.schedule._agree = lambda done: 1.0 if stopped.schedule.step >= at else done
    stopped.run()
    torch.manual_seed(77)
    second, again = made(tmp_path / "halves", line_data())
    resumed = again.run()
    assert torch.equal(whole.weight, second.weight)
    assert torch.equal(whole.seen, second.seen)
    assert not torch.equal(first.weight, second.weight)
    assert resumed == log
    assert again.average == training.average
    assert again.schedule.state()["step"] == 12


def test_a_killed_training_goes_on_from_the_last_checkpoint(tmp_path):
    whole, training = made(tmp_path / "whole", line_data())
    training.run()
    model, training = made(tmp_path / "killed", line_data())
    step = training._step

    def killed(done):
        if training.schedule.step == 10:
            raise KeyboardInterrupt
        return step(done)

    training._step = killed
    with pytest.raises(KeyboardInterrupt):
        training.run()
    model, training = made(tmp_path / "killed", line_data())
    assert [s for s, _ in training.run().held_out] == [4, 8, 12]
    assert torch.equal(whole.weight, model.weight)


def test_it_stops_when_nothing_improves_and_stays_stopped(tmp_path):
    away = line_data(held_out=-100.0, draw=lambda _: torch.full((3,), 9.0))
    settings = {"steps": 500, "patience": 2, "validate_every": 2, "keep": "best"}
    model, training = made(tmp_path, away, **settings)
    log = training.run()
    assert training.schedule.step == 6
    assert log.validations_since_best == 2
    assert log.best == log.held_out[0][1]
    best = torch.load(tmp_path / "line.best.pt", weights_only=True)
    assert torch.equal(model.weight, best["weights"]["weight"])
    assert best["loss"] == log.best
    again_model, again = made(tmp_path, away, **settings)
    again.run()
    assert again.schedule.step == 6
    assert torch.equal(model.weight, again_model.weight)


@pytest.mark.parametrize(("keep", "improving"), [("last", False), ("best", True)])
def test_the_last_weights_remain_unless_others_were_better(keep, improving, tmp_path):
    held_out = 9.0 if improving else -9.0
    data = line_data(held_out=held_out, draw=lambda _: torch.full((3,), 9.0))
    model, training = made(tmp_path, data, keep=keep)
    training.run()
    state = torch.load(tmp_path / "line.pt", weights_only=True)["model"]["weight"]
    assert torch.equal(model.weight, state)
    assert (tmp_path / "line.best.pt").exists() == (keep == "best")


def test_checkpoints_leave_out_what_is_frozen(tmp_path):
    model, training = made(tmp_path, line_data())
    training.run()
    state = torch.load(tmp_path / "line.pt", weights_only=True)
    assert set(state["model"]) == {"weight", "seen"}
    assert not list(tmp_path.glob("*.partial"))
    (tmp_path / "line.pt").write_bytes(b"broken")
    with pytest.raises(PackError, match="delete it to begin anew"):
        made(tmp_path, line_data())[1].run()
    path = tmp_path / "other.pt"
    torch.save({"model": {"another": torch.zeros(1)}, "optimizer": {}}, path)
    with pytest.raises(PackError, match="does not belong to this training"):
        Checkpoint(path).resume(model, training.optimizer, training.schedule)


def test_checkpoints_are_written_every_few_steps(tmp_path):
    _, training = made(tmp_path, line_data(), save_every=5, steps=11)
    saved = []
    save = training._save
    training._save = lambda: (saved.append(training.schedule.step), save())
    training.run()
    assert saved == [5, 10, 11]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_stops_the_training(value, tmp_path):
    odd = iter([1.0, 1.0, 1.0, value] + [1.0] * 20)
    broken = line_data(draw=lambda _: torch.full((3,), next(odd)))
    model, training = made(tmp_path, broken, save_every=2, validate_every=2, keep="best")
    with pytest.raises(PackError, match="'line': the loss is not a number after step 3: lower"):
        training.run()
    assert torch.isfinite(model.weight).all()
    assert torch.isfinite(torch.load(tmp_path / "line.pt")["model"]["weight"]).all()


def test_a_validation_that_is_no_number_stops_the_training(tmp_path):
    with pytest.raises(PackError, match="not a number after step 2"):
        made(tmp_path, line_data(held_out=float("inf")), validate_every=2)[1].run()


def test_the_best_weights_are_never_those_that_are_no_numbers(tmp_path):
    model, best = Line(), BestCheckpoint(tmp_path / "x.best.pt", True)
    best.update(model, 0.5)
    with torch.no_grad():
        model.weight.fill_(float("nan"))
    best.update(model, float("nan"))
    assert best.loss == 0.5
    best.restore(model, float("nan"))
    assert model.weight.tolist() == [0, 0, 0]


def test_without_a_validation_there_is_nothing_to_restore(tmp_path):
    model, best = Line(), BestCheckpoint(tmp_path / "x.best.pt", True)
    best.restore(model, float("nan"))
    assert not best.path.exists()
    assert model.weight.tolist() == [0, 0, 0]


def test_the_progress_bar_says_step_and_losses(tmp_path, capsys):
    _, training = made(tmp_path, line_data(), steps=12, validate_every=4)
    training.run()
    output = capsys.readouterr().err
    assert "line" in output
    assert "step 1 loss" in output
    assert "step 2 loss" not in output
    assert "step 11 loss" in output
    assert f"held out {training.log.best:.4g}" in output


def test_only_the_main_process_writes(tmp_path):
    best = BestCheckpoint(tmp_path / "x.best.pt", True, writes=False)
    best.update(Line(), 0.5)
    assert best.loss == 0.5
    assert not best.path.exists()


def test_best_weights_without_their_checkpoint_are_dropped(tmp_path):
    made(tmp_path, line_data(held_out=0.0), keep="best")[1].run()
    (tmp_path / "line.pt").unlink()
    model, again = made(tmp_path, line_data(held_out=9.0), keep="best", learning_rate=1e-6)
    again.run()
    assert model.weight.abs().max() < 1e-4
    assert again.best.loss > 50


# -- settings ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("steps", 0, "steps is 0; it is at least 1"),
        ("batch", 0, "batch is 0"),
        ("accumulate", 0, "accumulate is 0; it is at least 1"),
        ("save_every", 0, "save_every is 0"),
        ("validate_every", -1, "validate_every is -1; it is at least 0"),
        ("patience", -1, "patience is -1"),
        ("warm_up", -1, "warm_up is -1"),
        ("weight_decay", -0.1, "weight_decay is -0.1"),
        ("minutes", 0.0, "minutes is 0; write more than 0"),
        ("minutes", math.nan, "minutes is nan"),
        ("learning_rate", 0.0, "learning_rate is 0"),
        ("clip_norm", -1.0, "clip_norm is -1"),
        ("beta2", 1.0, "beta2 is 1; it lies between 0 and 1"),
    ],
)
def test_settings_that_make_no_sense(name, value, says):
    with pytest.raises(PackError, match=f"a training's {says}"):
        TrainerSettings(**{name: value})


def test_the_smallest_settings_are_taken():
    least = {"steps": 1, "batch": 1, "accumulate": 1, "save_every": 1}
    TrainerSettings(**least, validate_every=0, patience=0, warm_up=0, weight_decay=0.0)


def test_without_a_best_checkpoint_the_last_weights_stay(tmp_path):
    model, best = Line(), BestCheckpoint(tmp_path / "x.best.pt", True)
    best.restore(model, float("nan"))
    assert torch.equal(model.weight, torch.zeros(3))
