import json

import pytest
import torch
from torch import nn

from model.optimizer import Schedule, adamw, schedule, warmup_cosine


def rates(warmup_steps: int, total_steps: int, peak: float = 0.5) -> list[float]:
    """The learning rate of each step, and two steps past the end."""
    optimizer = adamw(nn.Linear(2, 2), peak, 0.01)
    scheduler = warmup_cosine(optimizer, warmup_steps, total_steps)
    seen = []
    for _ in range(total_steps + 2):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return seen


def test_every_parameter_is_optimised_once_and_only_matrices_decay():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    groups = adamw(model, 0.1, 0.25).param_groups
    decay = {id(p): group["weight_decay"] for group in groups for p in group["params"]}
    assert len(decay) == sum(len(group["params"]) for group in groups)
    assert decay == {id(p): 0.25 if p.ndim > 1 else 0.0 for p in model.parameters()}


def test_frozen_parameters_are_left_out():
    model = nn.Linear(3, 3)
    model.bias.requires_grad_(False)
    groups = adamw(model, 0.1, 0.25).param_groups
    assert [p for group in groups for p in group["params"]] == [model.weight]


def test_without_gradient_decay_shrinks_weights_and_spares_biases():
    model = nn.Linear(3, 3)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    adamw(model, 0.1, 0.25).step()
    assert torch.allclose(model.weight, before["weight"] * (1 - 0.1 * 0.25))
    assert torch.equal(model.bias, before["bias"])


def test_the_rate_rises_in_a_line_to_its_peak_and_falls_to_zero():
    seen = rates(warmup_steps=10, total_steps=50)
    assert seen[:10] == pytest.approx([0.5 * (step + 1) / 10 for step in range(10)])
    assert max(seen) == seen[10] == 0.5
    assert all(later < earlier for earlier, later in zip(seen[10:50], seen[11:51], strict=True))
    assert seen[30] == pytest.approx(0.25)
    assert seen[50:] == pytest.approx([0, 0], abs=1e-12)


def test_every_step_of_a_run_has_a_rate_above_zero():
    assert all(rate > 0 for rate in rates(3, 20)[:20])


@pytest.mark.parametrize("warmup_steps, total_steps", [(0, 5), (0, 1), (1, 1), (5, 5), (9, 4)])
def test_runs_of_a_few_steps_have_a_schedule_too(warmup_steps, total_steps):
    assert all(0 < rate <= 0.5 for rate in rates(warmup_steps, total_steps)[:total_steps])


def course(name: str, scores: list[float], steps: int = 10) -> tuple[Schedule, list[float]]:
    """A schedule after epochs of `steps`, and the rate of each step; warm-up takes one epoch."""
    optimizer = adamw(nn.Linear(2, 2), 0.5, 0.01)
    made = schedule(name, optimizer, steps, steps * len(scores), 0.1, 1)
    seen = []
    for score in scores:
        for _ in range(steps):
            seen.append(made.learning_rate)
            optimizer.step()
            made.step()
        made.scored(score)
    return made, seen


@pytest.mark.parametrize("name", ["cosine", "plateau", "constant"])
def test_every_schedule_warms_up_in_the_same_line(name):
    _, seen = course(name, [1.0] * 3)
    assert seen[:10] == pytest.approx([0.5 * (step + 1) / 10 for step in range(10)])


def test_the_constant_rate_stays_whatever_the_scores():
    _, seen = course("constant", [5.0, 4.0, 3.0, 2.0])
    assert seen[10:] == pytest.approx([0.5] * 30)


def test_the_plateau_rate_falls_after_more_epochs_without_a_better_score_than_it_lets_pass():
    _, seen = course("plateau", [5.0, 6.0, 6.0, 5.9, 6.1, 6.0, 6.0, 6.0])
    epochs = [seen[start + 5] for start in range(10, 80, 10)]
    assert epochs == pytest.approx([0.5, 0.5, 0.5, 0.05, 0.05, 0.05, 0.005])
    _, rising = course("plateau", [1.0, 2.0, 3.0, 4.0])
    assert rising[10:] == pytest.approx([0.5] * 30)


@pytest.mark.parametrize("name", ["cosine", "plateau", "constant"])
def test_a_schedule_goes_on_from_its_state_through_json(name):
    scores = [5.0, 6.0, 6.0, 5.9]
    whole, _ = course(name, [*scores, 5.0, 5.0])
    half, _ = course(name, scores)
    state = json.loads(json.dumps(half.state_dict()))
    optimizer = adamw(nn.Linear(2, 2), 0.5, 0.01)
    resumed = schedule(name, optimizer, 10, 60, 0.1, 1)
    for group in optimizer.param_groups:
        group["lr"] = half.learning_rate
    resumed.load_state_dict(state)
    for _ in range(2):
        for _ in range(10):
            optimizer.step()
            resumed.step()
        resumed.scored(5.0)
    assert resumed.learning_rate == pytest.approx(whole.learning_rate)
