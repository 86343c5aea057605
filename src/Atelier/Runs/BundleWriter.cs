using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.Tensors;
using Atelier.Tokenizers;
using static TorchSharp.torch;

namespace Atelier.Runs;

/// <summary>
/// Writes bundles whole or not at all: into a temporary folder in the same place, which then replaces the old one.
/// </summary>
public static class BundleWriter
{
    /// <summary>Writes a bundle. An existing one stays until the new one is complete.</summary>
    /// <param name="folder">The bundle's folder.</param>
    /// <param name="configJson">The text of config.json, with a model_type.</param>
    /// <param name="tensors">The weights by the names of the published format.</param>
    /// <param name="tokenizer">What turns text into the model's ids.</param>
    /// <param name="decoding">The sampling defaults, used where a request does not set them.</param>
    /// <param name="startId">The start token of a text without a prompt.</param>
    /// <param name="card">The model card, Markdown.</param>
    /// <exception cref="AtelierException">The folder cannot be written, or holds something that is no
    /// bundle.</exception>
    public static void Write(string folder, string configJson, IReadOnlyDictionary<string, Tensor> tensors,
        Tokenizer tokenizer, DecodingOptions decoding, int startId, string card) =>
            Write(folder, configJson, tensors, card, partial =>
        {
            tokenizer.Save(Path.Combine(partial, "tokenizer.json"));
            new GenerationConfigFile(decoding, startId, tokenizer.EndOfTextId is int end ? [end]
                : null).Write(Path.Combine(partial, Bundle.GenerationConfigName));
        });

    /// <summary>Writes a bundle of a model other than text.</summary>
    /// <param name="folder">The bundle's folder.</param>
    /// <param name="configJson">The text of config.json, with a model_type.</param>
    /// <param name="tensors">The weights.</param>
    /// <param name="card">The model card, Markdown.</param>
    /// <param name="writeMore">Writes further files into the given folder, such as schema.json.</param>
    /// <exception cref="AtelierException">The folder cannot be written, or holds something that is no
    /// bundle.</exception>
    public static void Write(string folder, string configJson, IReadOnlyDictionary<string, Tensor> tensors, string card,
        Action<string> writeMore) =>
        Replace(folder, partial =>
        {
            AtomicFile.WriteText(Path.Combine(partial, "config.json"), configJson);
            TensorFiles.Write(Path.Combine(partial, "model.safetensors"), tensors,
                new Dictionary<string, string> { ["format"] = "pt" }); // transformers refuses a file without it
            writeMore(partial);
            AtomicFile.WriteText(Path.Combine(partial, "README.md"), card);
        });

    /// <summary>Whether a file has the name of a bundle's file.</summary>
    internal static bool IsBundleFile(string path) => Path.GetFileName(path) is
        "config.json" or "tokenizer.json" or Bundle.GenerationConfigName or "README.md" or "schema.json"
            or ChatTemplateFile.FileName or ChatTemplateFile.ConfigName || IsWeights(path);

    /// <summary>Whether a file has the name of a bundle's weights.</summary>
    internal static bool IsWeights(string path) =>
        Path.GetFileName(path) is SafetensorsFolder.IndexName or SafetensorsFolder.FileName or ModelWeights.GgufName
        || (Path.GetFileName(path).StartsWith("model-", StringComparison.Ordinal)
            && path.EndsWith(".safetensors", StringComparison.Ordinal));

    /// <summary>Fills a temporary folder in the same place and then exchanges it for the old one.</summary>
    internal static void Replace(string folder, Action<string> fill)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        string partial = full + ".partial", old = full + ".old";
        try
        {
            if (Directory.Exists(full) && !Directory.EnumerateFileSystemEntries(full).All(IsBundleFile))
                throw new AtelierException("the folder holds files that do not belong to a bundle", folder,
                    $"choose an empty or new folder with {Mention.Field("out")}");
            Remove(partial);
            Directory.CreateDirectory(partial);
            fill(partial);
            Remove(old);
            if (Directory.Exists(full))
                Directory.Move(full, old);
            Directory.Move(partial, full);
            Remove(old);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            RemoveHalf(partial);
            throw FileFault.At(e, folder);
        }
        catch
        {
            RemoveHalf(partial);
            throw;
        }
    }

    private static void RemoveHalf(string partial)
    {
        try
        {
            Remove(partial);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Writing has failed already, and that is the error that the user sees; the next bundle written here takes
            // its place.
        }
    }

    private static void Remove(string folder)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }
}
