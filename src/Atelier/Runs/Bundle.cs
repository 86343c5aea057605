using Atelier.Data.Tables;
using Atelier.Formats;

namespace Atelier.Runs;

/// <summary>A finished model in a folder, in the files that Hugging Face tools read.</summary>
public sealed class Bundle
{
    /// <summary>The name of the file of sampling defaults.</summary>
    internal const string GenerationConfigName = "generation_config.json";

    private Bundle(string folder, RunHistory? history = null) => (Folder, History) = (folder, history);

    /// <summary>The folder.</summary>
    public string Folder { get; }

    /// <summary>The history that knows the run it came from; null if there is none.</summary>
    internal RunHistory? History { get; }

    /// <summary>The kind of model as config.json names it: "gpt2", "llama".</summary>
    public string ModelType { get; private init; } = "";

    /// <summary>The file of the model's shape.</summary>
    public string ConfigPath => Path.Combine(Folder, "config.json");

    /// <summary>The file of the weights.</summary>
    public string WeightsPath => Path.Combine(Folder, SafetensorsFolder.FileName);

    /// <summary>The file of quantised weights in GGUF, which replaces <see cref="WeightsPath"/>.</summary>
    public string GgufPath => Path.Combine(Folder, ModelWeights.GgufName);

    /// <summary>Whether the weights are in GGUF, because they are quantised.</summary>
    public bool IsGguf => File.Exists(GgufPath);

    /// <summary>The index of sharded weights, which names the shard of each tensor.</summary>
    public string WeightsIndexPath => Path.Combine(Folder, SafetensorsFolder.IndexName);

    /// <summary>The file of the tokenizer.</summary>
    public string TokenizerPath => Path.Combine(Folder, "tokenizer.json");

    /// <summary>The file of a table's columns.</summary>
    public string SchemaPath => Path.Combine(Folder, TableSchema.FileName);

    /// <summary>The file of sampling defaults; folders from elsewhere may lack it.</summary>
    public string GenerationConfigPath => Path.Combine(Folder, GenerationConfigName);

    /// <summary>The file of the model card.</summary>
    public string CardPath => Path.Combine(Folder, "README.md");

    /// <summary>Opens a bundle, checking that its files are there and config.json can be read.</summary>
    /// <param name="folder">A bundle's folder, or a run's that has one in it.</param>
    /// <param name="history">The history that knows the run it came from; null if there is none.</param>
    /// <exception cref="AtelierException">Something is missing or damaged.</exception>
    public static Bundle Open(string folder, RunHistory? history = null)
    {
        if (!Directory.Exists(folder))
        {
            throw File.Exists(folder)
                ? new AtelierException("this is a file, not a run or a bundle", folder,
                    "convert a model of another system to a bundle first: "
                        + $"{Mention.Command("import")} {folder} {Mention.Field("out")} FOLDER")
                : new AtelierException("there is no such folder", folder,
                    $"give the folder of a run or a bundle; {Mention.Command("runs list")} shows all runs");
        }
        string inner = Path.Combine(folder, "bundle");
        if (Run.Exists(folder) && !Directory.Exists(inner))
            throw new AtelierException("this run has no finished model yet", folder,
                $"continue with: {Mention.Command("train")} {Mention.Field("resume")} {Mention.Field("out")} {folder}");
        // A run whose recipe was deleted still has its model.
        bool isRun = Run.Exists(folder)
            || (!File.Exists(new Bundle(folder).ConfigPath) && File.Exists(new Bundle(inner).ConfigPath));
        var bundle = new Bundle(Path.GetFullPath(isRun ? inner : folder));
        foreach (string path in (string[])[bundle.ConfigPath, bundle.WeightsPath])
        {
            bool isElsewhere = path == bundle.WeightsPath && (File.Exists(bundle.WeightsIndexPath) || bundle.IsGguf);
            if (!File.Exists(path) && !isElsewhere)
            {
                OtherFiles.RefuseFolder(bundle.Folder);
                throw new AtelierException($"{Path.GetFileName(path)} is missing", bundle.Folder,
                    "a bundle holds config.json and model.safetensors (model.gguf if it is quantised), and for text "
                        + "a tokenizer.json");
            }
        }
        return new Bundle(bundle.Folder, history) { ModelType = ConfigFile.Read(bundle.ConfigPath).ModelType };
    }
}
