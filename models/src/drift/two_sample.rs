//! How far apart two samples lie, and how likely that is by chance.

mod kolmogorov_smirnov;

pub(super) use kolmogorov_smirnov::equal_size_p_value;
