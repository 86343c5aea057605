using Atelier.Abstractions;
using Atelier.Formats;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.Tensors;
using Atelier.Tokenizers;
using static TorchSharp.torch;

namespace Atelier.Runs;

/// <summary>
/// Writes bundles completely or not at all: into a temporary folder in the same parent folder, which then replaces the
/// old bundle.
/// </summary>
public static class BundleWriter
{
    /// <summary>Writes the bundle of a text model. An existing bundle is kept until the new one is complete.</summary>
    /// <param name="folder">The bundle's folder.</param>
    /// <param name="configJson">The text of config.json, with a model_type.</param>
    /// <param name="tensors">The weights, by their names in the published format.</param>
    /// <param name="tokenizer">The tokenizer of the model.</param>
    /// <param name="decoding">The default decoding options, for requests that do not set them.</param>
    /// <param name="startId">The start token of generation without a prompt.</param>
    /// <param name="card">The model card, in Markdown.</param>
    /// <exception cref="AtelierException">The folder cannot be written, or holds files that do not belong to a
    /// bundle.</exception>
    public static void Write(string folder, string configJson, IReadOnlyDictionary<string, Tensor> tensors,
        Tokenizer tokenizer, DecodingOptions decoding, int startId, string card) =>
        Write(folder, configJson, tensors, card, partial =>
        {
            tokenizer.Save(Path.Combine(partial, "tokenizer.json"));
            new GenerationConfigFile(decoding, startId, tokenizer.EndOfTextId is int end ? [end]
                : null).Write(Path.Combine(partial, Bundle.GenerationConfigName));
        });

    /// <summary>
    /// Writes the bundle of a model of any kind. An existing bundle is kept until the new one is complete.
    /// </summary>
    /// <param name="folder">The bundle's folder.</param>
    /// <param name="configJson">The text of config.json, with a model_type.</param>
    /// <param name="tensors">The weights.</param>
    /// <param name="card">The model card, in Markdown.</param>
    /// <param name="writeMore">Writes further files, such as schema.json, into the given folder.</param>
    /// <exception cref="AtelierException">The folder cannot be written, or holds files that do not belong to a
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

    /// <summary>Returns whether a file has the name of a file of bundles.</summary>
    internal static bool IsBundleFile(string path) => Path.GetFileName(path) is
        "config.json" or "tokenizer.json" or Bundle.GenerationConfigName or "README.md" or "schema.json"
            or ChatTemplateFile.FileName or ChatTemplateFile.ConfigName || IsWeights(path);

    /// <summary>Returns whether a file has the name of a weights file of bundles.</summary>
    internal static bool IsWeights(string path) =>
        Path.GetFileName(path) is SafetensorsFolder.IndexName or SafetensorsFolder.FileName or ModelWeights.GgufName
        || (Path.GetFileName(path).StartsWith("model-", StringComparison.Ordinal)
            && path.EndsWith(".safetensors", StringComparison.Ordinal));

    /// <summary>Fills a temporary folder in the same parent folder, and then replaces the old folder by it.</summary>
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
            RemoveIncomplete(partial);
            throw FileFault.At(e, folder);
        }
        catch
        {
            RemoveIncomplete(partial);
            throw;
        }
    }

    private static void RemoveIncomplete(string partial)
    {
        try
        {
            Remove(partial);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The user sees the error that made the writing fail. The next bundle written here replaces the folder.
        }
    }

    private static void Remove(string folder)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }
}
