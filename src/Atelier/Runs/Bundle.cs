namespace Atelier.Runs;

/// <summary>A finished model in a folder, in the files that Hugging Face tools read.</summary>
public sealed class Bundle
{
    internal Bundle(string folder) => Folder = folder;

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The model's shape.</summary>
    public string ConfigPath => Path.Combine(Folder, "config.json");

    /// <summary>The weights.</summary>
    public string WeightsPath => Path.Combine(Folder, "model.safetensors");

    /// <summary>The tokenizer.</summary>
    public string TokenizerPath => Path.Combine(Folder, "tokenizer.json");

    /// <summary>How it makes samples where a request does not say.</summary>
    public string GenerationConfigPath => Path.Combine(Folder, "generation_config.json");

    /// <summary>The model card.</summary>
    public string CardPath => Path.Combine(Folder, "README.md");
}
