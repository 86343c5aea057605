namespace Atelier.Tensors;

/// <summary>Precision of matrix products.</summary>
public enum Precision
{
    /// <summary>32-bit floats.</summary>
    Fp32,

    /// <summary>
    /// 32-bit floats, whose products CUDA computes from factors rounded to 10 bits of mantissa (NVIDIA's
    /// TensorFloat-32); the same as fp32 elsewhere.
    /// </summary>
    Tf32,

    /// <summary>bfloat16 products with fp32 master weights (Kalamkar et al. 2019).</summary>
    Bf16,
}
