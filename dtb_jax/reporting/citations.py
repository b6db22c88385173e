"""What a paper about a run cites, as the authors of each ask for it."""

from typing import NamedTuple

PAPER = (
    "Takahashi, Soda, Tomita, Yamashita. Digital Twin Brain: Generating Multitask Behavior from "
    "Connectomes for Personalized Therapy. BME Frontiers 7, 0231 (2026). doi:10.34133/bmef.0231"
)
ADAM = (
    "Kingma DP, Ba J. Adam: a method for stochastic optimization. International Conference on "
    "Learning Representations (2015). arXiv:1412.6980"
)
HOLM = (
    "Holm S. A simple sequentially rejective multiple test procedure. Scandinavian Journal of "
    "Statistics 6, 65–70 (1979)."
)


class Package(NamedTuple):
    """A package as it is named, and what its authors ask to be cited."""

    name: str
    cited: str = ""
    reference: str = ""


PACKAGES = {
    "jax": Package(
        "JAX",
        "Bradbury et al., 2018",
        "Bradbury J, Frostig R, Hawkins P, et al. JAX: composable transformations of Python+NumPy "
        "programs (2018). github.com/jax-ml/jax",
    ),
    "flax": Package(
        "Flax",
        "Heek et al., 2024",
        "Heek J, Levskaya A, Oliver A, et al. Flax: a neural network library and ecosystem for JAX "
        "(2024). github.com/google/flax",
    ),
    "optax": Package(
        "Optax",
        "DeepMind et al., 2020",
        "DeepMind, Babuschkin I, Baumli K, et al. The DeepMind JAX ecosystem (2020). "
        "github.com/google-deepmind",
    ),
    "equinox": Package(
        "Equinox",
        "Kidger & Garcia, 2021",
        "Kidger P, Garcia C. Equinox: neural networks in JAX via callable PyTrees and filtered "
        "transformations. Differentiable Programming workshop at NeurIPS (2021). arXiv:2111.00254",
    ),
    "numpy": Package(
        "NumPy",
        "Harris et al., 2020",
        "Harris CR, Millman KJ, van der Walt SJ, et al. Array programming with NumPy. Nature 585, "
        "357–362 (2020). doi:10.1038/s41586-020-2649-2",
    ),
    "nilearn": Package(
        "Nilearn",
        "Abraham et al., 2014",
        "Abraham A, Pedregosa F, Eickenberg M, et al. Machine learning for neuroimaging with "
        "scikit-learn. Frontiers in Neuroinformatics 8, 14 (2014). doi:10.3389/fninf.2014.00014",
    ),
    "orbax-checkpoint": Package("Orbax"),
    "python": Package("Python"),
}
"""By the names in the protocol's "versions"."""
