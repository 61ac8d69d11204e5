"""Whether an asset can be used: what pictures and derivatives ask of the assets that they are made of."""

from __future__ import annotations

import uuid

import sqlalchemy as sa

from threed import ids
from threed.errors import AssetDeleted, AssetNotReady


def check_ready(row: sa.Row, asset_type: str) -> None:
    """Raises AssetDeleted or AssetNotReady unless the asset is VALIDATED and of that type."""
    asset_id = ids.write("asset", row.id)
    if row.delete_time is not None:
        raise AssetDeleted(f"The asset {asset_id} is deleted. Undelete it first.", asset_id=asset_id)
    if row.status != "VALIDATED":
        raise not_ready(row.id, f"is {row.status}", status=row.status)
    if row.asset_type != asset_type:
        raise not_ready(row.id, f"is a {row.asset_type}, and a {asset_type} is needed here")


def not_ready(id: uuid.UUID, why: str, **metadata: object) -> AssetNotReady:
    asset_id = ids.write("asset", id)
    sentence = f"The asset {asset_id} {why}. Watch it until it is VALIDATED, or use another."
    return AssetNotReady(sentence, asset_id=asset_id, **metadata)
