using Atelier.Decoding;
using Atelier.Models.Gpt;
using Atelier.Tokenizers;

namespace Atelier.Runs;

/// <summary>Brings models in from other systems' files, and out to them.</summary>
internal static class BundleExchange
{
    // In llama2.c, as in SentencePiece, <s> is 1 and begins every text.
    private const int StartOfText = 1;

    public static string Import(string source, string? tokenizerPath, string folder)
    {
        if (Directory.Exists(source))
        {
            if (tokenizerPath is null)
            {
                Workshop.Open(source, "cpu").Dispose();
                return Copy(Bundle.Open(source), folder);
            }
            throw new AtelierException("a folder brings its own tokenizer.json", "--tokenizer", "leave it out, or put it into the folder");
        }
        if (tokenizerPath is null)
            throw new AtelierException("a single file has no tokenizer with it", source, "name one with --tokenizer");
        using GptModel model = GptImport.FromLlama2C(source);
        Tokenizer tokenizer = Path.GetExtension(tokenizerPath) == ".json"
            ? TokenizerFile.Load(tokenizerPath)
            : SentencePieceTokenizer.FromLlama2C(tokenizerPath);
        if (tokenizer.VocabularySize != model.VocabularySize)
        {
            throw new AtelierException($"the tokenizer has {tokenizer.VocabularySize} tokens, the model {model.VocabularySize}", tokenizerPath,
                "name the tokenizer that the model was trained with");
        }
        new GptFamily().Write(folder, model, tokenizer, new DecodingOptions(), StartOfText, $"# {Path.GetFileNameWithoutExtension(source)}\n\nMade of {Path.GetFileName(source)}.\n");
        return Path.GetFullPath(folder);
    }

    /// <summary>Copies a bundle's files, whole or not at all.</summary>
    public static string Copy(Bundle bundle, string folder)
    {
        BundleWriter.Replace(folder, partial =>
        {
            foreach (string file in Directory.EnumerateFiles(bundle.Folder).Where(BundleWriter.IsBundleFile))
                File.Copy(file, Path.Combine(partial, Path.GetFileName(file)));
        });
        return Path.GetFullPath(folder);
    }
}
