namespace Atelier.Formats;

/// <summary>Recognises model files of unsupported formats and refuses them with advice.</summary>
public static class OtherFiles
{
    private const string Save =
        "save it as safetensors from Python, model.save_pretrained(FOLDER) and tokenizer.save_pretrained(FOLDER), "
            + "and use that folder";

    /// <summary>Refuses a single file of a recognised format from which no model can be opened.</summary>
    /// <param name="path">The path of the file.</param>
    /// <exception cref="AtelierException">The file has such a format, is missing or cannot be read.</exception>
    public static void Refuse(string path)
    {
        if (Path.GetExtension(path) == ".safetensors")
            throw new AtelierException("this file holds only weights, without the model's configuration and "
                + "tokenizer", path,
                "use its folder, with config.json and tokenizer.json");
        using MappedFile file = MappedFile.Open(path);
        ReadOnlySpan<byte> start = file.Bytes(0, (int)Math.Min(file.Length, 4));
        // A zip archive, a pickle of protocol 2 or later that begins with torch.save's magic number of 10 bytes, or a
        // file with one of PyTorch's extensions.
        bool isPyTorch = start.StartsWith("PK\x03\x04"u8) || start is [0x80, >= 2 and <= 5, 0x8a, 10]
            || Path.GetExtension(path) is ".pt" or ".pth" or ".ckpt";
        if (isPyTorch)
            throw new AtelierException(
                "this is a PyTorch file: only weights, without the model's configuration and tokenizer", path, Save);
    }

    /// <summary>Refuses a folder with weights in PyTorch's format only.</summary>
    /// <param name="folder">The path of a folder without other weights.</param>
    /// <exception cref="AtelierException">The folder has such weights.</exception>
    public static void RefuseFolder(string folder)
    {
        string[] names = ["pytorch_model.bin", "pytorch_model.bin.index.json", "model.pt", "model.pth"];
        if (names.FirstOrDefault(name => File.Exists(Path.Combine(folder, name))) is { } name)
            throw new AtelierException($"its weights are in PyTorch's format ({name}), from which no model is opened",
                folder, name.StartsWith("pytorch", StringComparison.Ordinal)
                    ? $"convert the folder first: {Mention.Command("import")} {folder} {Mention.Field("out")} FOLDER"
                    : Save);
    }
}
