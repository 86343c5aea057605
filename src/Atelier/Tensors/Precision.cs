namespace Atelier.Tensors;

/// <summary>The precision of matrix products.</summary>
public enum Precision
{
    /// <summary>32-bit floating point.</summary>
    Fp32,

    /// <summary>
    /// 32-bit floating point, where CUDA rounds the factors of products to 10 bits of mantissa (NVIDIA's
    /// TensorFloat-32); the same as fp32 on other devices.
    /// </summary>
    Tf32,

    /// <summary>Products of bfloat16 numbers, with master weights in fp32 (Kalamkar et al. 2019).</summary>
    Bf16,
}
