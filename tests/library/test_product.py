"""Tests of library.product."""

from __future__ import annotations

import numpy as np
import pytest

from library import product
from library.product import Product


@pytest.mark.parametrize("rows", [0, 1, 17])
def test_a_product_is_that_of_numpy(rows: int) -> None:
    rng = np.random.default_rng(3)
    columns, given = rng.normal(size=(24, 100)).astype(np.float32), rng.normal(size=(rows, 24)).astype(np.float32)
    kept = Product(columns)
    for _ in range(2):
        found = kept(given)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, given @ columns, atol=1e-5)


def test_columns_that_are_too_many_to_lay_out_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    columns, rows = rng.normal(size=(16, 200)).astype(np.float32), rng.normal(size=(9, 16)).astype(np.float32)
    laid_out = Product(columns)(rows)
    monkeypatch.setattr(product, "LAID_OUT", columns.size - 1)
    unchanged = Product(columns)
    np.testing.assert_allclose(unchanged(rows), laid_out, atol=1e-5)
    assert "_session" not in vars(unchanged)
