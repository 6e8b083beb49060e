"""The FLAIR signal equation and the relaxation times it is fed with.

Inversion recovery with a spin-echo train, effective echo time TE (Hajnal et al., J Comput Assist Tomogr 1992;16:841;
Haacke et al., Magnetic Resonance Imaging, 1999, ch. 8): ``S = PD (1 - 2 exp(-TI/T1) + exp(-TR/T1)) exp(-TE/T2)``.
Times are rounded from Stanisz et al., Magn Reson Med 2005;54:507, Bojorquez et al., Magn Reson Imaging 2017;35:69
and, for lesions, Stevenson et al., J Neurol Sci 2000;178:81; orders of magnitude, not measurements of anybody.
"""

from __future__ import annotations

import math

T1_MS = {
    1.5: {"fat": 290.0, "bone": 250.0, "csf": 4200.0, "grey": 1120.0, "white": 720.0, "lesion": 1150.0},
    3.0: {"fat": 370.0, "bone": 250.0, "csf": 4300.0, "grey": 1500.0, "white": 950.0, "lesion": 1450.0},
}
T2_MS = {"fat": 70.0, "bone": 1.0, "csf": 1800.0, "grey": 95.0, "white": 72.0, "lesion": 145.0}
PROTON_DENSITY = {"fat": 0.90, "bone": 0.10, "csf": 1.00, "grey": 0.82, "white": 0.71, "lesion": 0.83}


def flair_signal(density: float, t1: float, t2: float, tr: float, ti: float, te: float) -> float:
    """Signed signal relative to fully relaxed water without echo delay; times in ms. Negative before the null point."""
    return density * (1.0 - 2.0 * math.exp(-ti / t1) + math.exp(-tr / t1)) * math.exp(-te / t2)


def null_inversion_time(t1: float, tr: float) -> float:
    """The inversion time (ms) at which tissue of ``t1`` gives no signal: ``T1 (ln 2 - ln(1 + exp(-TR/T1)))``."""
    return t1 * (math.log(2.0) - math.log1p(math.exp(-tr / t1)))
