namespace Atelier.Networks;

/// <summary>How a model knows where a token stands.</summary>
public enum PositionName
{
    /// <summary>A learned vector for each position.</summary>
    Learned,

    /// <summary>Queries and keys turned by their positions (Su et al. 2021).</summary>
    Rotary,
}

/// <summary>What keeps activations in range.</summary>
public enum NormName
{
    /// <summary>Ba et al. 2016.</summary>
    Layer,

    /// <summary>Zhang and Sennrich 2019.</summary>
    Rms,
}

/// <summary>What stands between the two products of a feed-forward layer.</summary>
public enum ActivationName
{
    /// <summary>x Φ(x) (Hendrycks and Gimpel 2016).</summary>
    Gelu,

    /// <summary>GELU in its tanh form, which OpenAI's GPT-2 was trained with; 3 to 5 times as slow on CPUs.</summary>
    GeluTanh,

    /// <summary>silu(x W) ⊙ (x V): the gated form of Llama (Shazeer 2020, eq. 6).</summary>
    SwiGlu,
}

/// <summary>How a recurrent layer's state moves.</summary>
public enum CellName
{
    /// <summary>h' = tanh(W x + b + U h + c) (Elman 1990).</summary>
    Plain,

    /// <summary>
    /// Long short-term memory with a forget gate (Hochreiter and Schmidhuber 1997; Gers et al. 2000).
    /// </summary>
    Lstm,

    /// <summary>The gated recurrent unit (Cho et al. 2014), reset gate after the product, as cuDNN has it.</summary>
    Gru,
}

/// <summary>
/// Which components of a head make the pairs that rotary positions turn: the order of the rows of queries and keys.
/// </summary>
public enum RotaryPairs
{
    /// <summary>(i, i + size/2): Hugging Face's order.</summary>
    Halves,

    /// <summary>(2i, 2i + 1): the order of llama2.c and of GGUF files of the architecture llama.</summary>
    Neighbours,
}
