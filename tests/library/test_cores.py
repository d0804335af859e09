"""Tests of library.cores."""

from __future__ import annotations

import torch
from threadpoolctl import threadpool_info, threadpool_limits

from library.cores import one_core


def test_numpy_multiplies_with_one_thread_inside_and_as_many_as_before_afterwards() -> None:
    def threads() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    with threadpool_limits(2, user_api="blas"):
        with one_core():
            with one_core():
                pass
            assert threads() == {1}
        assert threads() == {2}


def test_torch_has_one_thread_inside_and_as_many_as_before_afterwards() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with one_core():
        with one_core():
            pass
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)
