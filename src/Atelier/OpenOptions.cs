namespace Atelier;

/// <summary>Options for opening a finished model.</summary>
public sealed record OpenOptions
{
    /// <summary>The device to run on: "auto", "cpu" or "cuda".</summary>
    public string Device { get; init; } = "auto";

    /// <summary>
    /// The type in which the managed runtime caches keys and values of text models: "f32", "f16" or "q8_0".
    /// </summary>
    public string CacheType { get; init; } = "f32";

    /// <summary>
    /// Whether to load the model as its family trains it, with its parameters as tensors. Otherwise a text model that
    /// the managed runtime supports runs there if the device is a CPU, with its weights memory-mapped from the file;
    /// GGUF and llama2.c files can be opened too.
    /// </summary>
    public bool ForTraining { get; init; }
}
