"""The repertoire: all styles, and how often each is drawn."""

import numpy as np

from synthesis.acousticstyles import ACOUSTIC_STYLES
from synthesis.bandstyles import BAND_STYLES
from synthesis.dancestyles import DANCE_STYLES
from synthesis.styles import Style

STYLES = (*DANCE_STYLES, *BAND_STYLES, *ACOUSTIC_STYLES)


def draw_style(rng: np.random.Generator, styles: tuple[Style, ...] = STYLES) -> Style:
    """A style, the frequent ones more often."""
    weights = np.array([style.weight for style in styles])
    return styles[rng.choice(len(styles), p=weights / weights.sum())]
