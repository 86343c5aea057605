namespace Atelier.Networks;

/// <summary>The position encoding of a model.</summary>
public enum PositionName
{
    /// <summary>A learned vector for each position.</summary>
    Learned,

    /// <summary>Rotary position embedding: queries and keys are rotated by their positions (Su et al. 2021).</summary>
    Rotary,
}

/// <summary>The normalisation of a model.</summary>
public enum NormName
{
    /// <summary>Layer normalisation (Ba et al. 2016).</summary>
    Layer,

    /// <summary>Root mean square normalisation, RMSNorm (Zhang and Sennrich 2019).</summary>
    Rms,
}

/// <summary>The activation function of a feed-forward layer.</summary>
public enum ActivationName
{
    /// <summary>GELU, x Φ(x) (Hendrycks and Gimpel 2016).</summary>
    Gelu,

    /// <summary>
    /// The tanh approximation of GELU, with which OpenAI's GPT-2 was trained; it takes 3 to 5 times as long on CPUs.
    /// </summary>
    GeluTanh,

    /// <summary>SwiGLU, silu(x W) ⊙ (x V), the gated activation of Llama (Shazeer 2020, eq. 6).</summary>
    SwiGlu,

    /// <summary>The rectified linear unit, max(x, 0) (Nair and Hinton 2010); encoders only.</summary>
    Relu,
}

/// <summary>The cell of a recurrent layer.</summary>
public enum CellName
{
    /// <summary>The plain recurrent cell, h' = tanh(W x + b + U h + c) (Elman 1990).</summary>
    Plain,

    /// <summary>
    /// Long short-term memory with a forget gate (Hochreiter and Schmidhuber 1997; Gers et al. 2000).
    /// </summary>
    Lstm,

    /// <summary>
    /// The gated recurrent unit (Cho et al. 2014), with the reset gate applied after the product, as in cuDNN.
    /// </summary>
    Gru,
}

/// <summary>
/// The components of a head that rotary embedding rotates as pairs, which is the order of the rows of the query and key
/// matrices.
/// </summary>
public enum RotaryPairs
{
    /// <summary>Pairs (i, i + size/2): the order of Hugging Face.</summary>
    Halves,

    /// <summary>Pairs (2i, 2i + 1): the order of llama2.c and of GGUF files of the architecture llama.</summary>
    Neighbours,
}
