using Atelier.Data.Tables;
using Atelier.Formats;

namespace Atelier.Runs;

/// <summary>A finished model in a folder, in the files that Hugging Face tools read.</summary>
public sealed class Bundle
{
    /// <summary>The name of the file of sampling defaults.</summary>
    internal const string GenerationConfigName = "generation_config.json";

    private Bundle(string folder, RunHistory? history = null) => (Folder, History) = (folder, history);

    /// <summary>The folder of the bundle.</summary>
    public string Folder { get; }

    /// <summary>The history that may list the run of this bundle; null if there is none.</summary>
    internal RunHistory? History { get; }

    /// <summary>The model_type in config.json, such as "gpt2" or "llama".</summary>
    public string ModelType { get; private init; } = "";

    /// <summary>The path of config.json, which holds the configuration of the model.</summary>
    public string ConfigPath => Path.Combine(Folder, "config.json");

    /// <summary>The path of the weights in one safetensors file.</summary>
    public string WeightsPath => Path.Combine(Folder, SafetensorsFolder.FileName);

    /// <summary>The path of quantised weights in GGUF, which replace <see cref="WeightsPath"/>.</summary>
    public string GgufPath => Path.Combine(Folder, ModelWeights.GgufName);

    /// <summary>Whether the weights are in GGUF, because they are quantised.</summary>
    public bool IsGguf => File.Exists(GgufPath);

    /// <summary>The path of the index of sharded weights, which names the shard of each tensor.</summary>
    public string WeightsIndexPath => Path.Combine(Folder, SafetensorsFolder.IndexName);

    /// <summary>The path of the tokenizer.</summary>
    public string TokenizerPath => Path.Combine(Folder, "tokenizer.json");

    /// <summary>The path of the columns of a table.</summary>
    public string SchemaPath => Path.Combine(Folder, TableSchema.FileName);

    /// <summary>The file of sampling defaults; folders from elsewhere may lack it.</summary>
    public string GenerationConfigPath => Path.Combine(Folder, GenerationConfigName);

    /// <summary>The path of the model card.</summary>
    public string CardPath => Path.Combine(Folder, "README.md");

    /// <summary>
    /// The paths of the files that are the bundle's own, by their names; other files of its folder are not among them.
    /// </summary>
    public IReadOnlyList<string> Files => [.. Directory.EnumerateFiles(Folder).Where(BundleWriter.IsBundleFile)
        .Order(StringComparer.Ordinal)];

    /// <summary>Opens a bundle, and checks that its files exist and that config.json can be read.</summary>
    /// <param name="folder">The folder of a bundle, or of a run that holds a bundle.</param>
    /// <param name="history">The history that may list the run of this bundle; null if there is none.</param>
    /// <exception cref="AtelierException">The bundle is missing, incomplete or damaged.</exception>
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
