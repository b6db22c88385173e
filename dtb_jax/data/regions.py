"""The paper's 20 regions, picked by name from the 434 parcels of TCP's atlas.

A region's series is the mean of its parcels. The choice, per hemisphere (LH_/RH_, -lh/-rh):

| region | parcels | why |
|---|---|---|
| anterior PFC | ContB_FPole, DefaultA_FPole | frontal pole outside orbitofrontal LimbicB |
| VLPFC | ContB_PFCv, DefaultB_PFCv | ventral prefrontal parcels |
| premotor | DorsAttnB_PrCd, DorsAttnB_PrCv | precentral sulcus, dorsal and ventral |
| M1 | SomMotA without a gyrus name | the atlas does not split this strip into M1 and S1 |
| S1 | DorsAttnB_PostC | the parcels named postcentral |
| superior parietal | DorsAttnA_SPL, DorsAttnB_SPL | superior parietal lobule, attention networks |
| auditory | SomMotB_ST | superior temporal part of the somatomotor network |
| higher visual | VisCent_ExStr | extrastriate, central visual network |
| V1 | VisCent_Striate, VisPeri_Striate | striate parcels |
| amygdala | lAMY, mAMY | Tian S2's lateral and medial amygdala |
"""

import re
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

_PATTERNS = {
    "anterior_PFC": r"(ContB|DefaultA)_FPole",
    "VLPFC": r"(ContB|DefaultB)_PFCv",
    "premotor": r"DorsAttnB_PrC[dv]",
    "M1": r"SomMotA_\d+$",
    "S1": r"DorsAttnB_PostC",
    "superior_parietal": r"DorsAttn[AB]_SPL",
    "auditory": r"SomMotB_ST",
    "higher_visual": r"VisCent_ExStr",
    "V1": r"Vis(Cent|Peri)_Striate",
    "amygdala": r"[lm]AMY",
}

REGIONS = tuple(f"{side}_{name}" for name in _PATTERNS for side in ("L", "R"))


def region_parcels(parcel_names: Sequence[str]) -> dict[str, list[int]]:
    """Indices of each region's parcels, from the atlas' names.

    Raises: ValueError when a region has no parcel in this atlas.
    """
    chosen = {}
    for name, pattern in _PATTERNS.items():
        for side in ("L", "R"):
            found = [
                index
                for index, parcel in enumerate(parcel_names)
                if re.search(pattern, parcel) and re.search(f"{side}H_|-{side.lower()}h$", parcel)
            ]
            if not found:
                raise ValueError(
                    f"region {side}_{name}: no parcel name matches {pattern!r} among "
                    f"{len(parcel_names)}; give a table of regions (columns region, parcel) instead"
                )
            chosen[f"{side}_{name}"] = found
    return chosen


def region_means(
    series: Float[np.ndarray, "time parcel"], parcels: dict[str, list[int]]
) -> Float[np.ndarray, "time region"]:
    """Mean over each region's parcels."""
    return np.stack([series[:, index].mean(axis=1) for index in parcels.values()], axis=1)
