namespace Atelier;

/// <summary>Options for opening a finished model.</summary>
public sealed record OpenOptions
{
    /// <summary>The device to run on: "auto", "cpu" or "cuda".</summary>
    public string Device { get; init; } = "auto";

    /// <summary>
    /// Whether the model is loaded as its family trains it, with its parameters as tensors. By default a text model of
    /// a kind that the managed runtime reads runs there on a CPU, with its weights mapped from the file; GGUF and
    /// llama2.c files open too.
    /// </summary>
    public bool ForTraining { get; init; }
}
