"""Tests of library.product."""

from __future__ import annotations

import numpy as np
import pytest

from library.product import Product


@pytest.mark.parametrize("rows", [0, 1, 17])
def test_a_product_is_that_of_numpy(rows: int) -> None:
    rng = np.random.default_rng(3)
    columns, given = rng.normal(size=(24, 100)).astype(np.float32), rng.normal(size=(rows, 24)).astype(np.float32)
    product = Product(columns)
    for _ in range(2):
        found = product(given)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, given @ columns, atol=1e-5)


def test_a_row_comes_out_the_same_beside_others_and_by_itself() -> None:
    rng = np.random.default_rng(4)
    product, rows = Product(rng.normal(size=(192, 700)).astype(np.float32)), rng.normal(size=(9, 192))
    together = product(rows.astype(np.float32))
    np.testing.assert_allclose(
        np.concatenate([product(row[None]) for row in rows.astype(np.float32)]), together, atol=1e-5
    )
