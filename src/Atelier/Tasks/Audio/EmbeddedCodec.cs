using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Data.Audio;
using Atelier.Formats;
using Atelier.Runs;
using static TorchSharp.torch;

namespace Atelier.Tasks.Audio;

/// <summary>
/// The codec of a model of codes: a trained one, which the bundle of the model contains, or μ-law.
/// </summary>
internal static class EmbeddedCodec
{
    /// <summary>The prefix of the names of the codec's tensors.</summary>
    public const string Tensors = "codec.";

    private const string Key = "codec", IdentityKey = "identity"; // of config.json

    /// <summary>Opens a trained codec for sounds.</summary>
    /// <param name="folder">The folder of its run or bundle; null for μ-law.</param>
    /// <param name="schema">The sample rate and channels of the sounds.</param>
    /// <param name="families">The families of codecs.</param>
    /// <exception cref="AtelierException">There is none, it is no codec, or it codes other sounds.</exception>
    public static IAudioCodec Open(string? folder, AudioSchema schema, IReadOnlyList<ICodecFamily> families)
    {
        if (schema.Channels > 1)
            throw new AtelierException("models of codes generate sounds of one channel", "data.audio.channels",
                "set it to 1");
        if (folder is null)
            return new MuLawCodec(schema.SampleRate);
        if (!Directory.Exists(folder))
            throw new AtelierException("there is no codec", folder, "train one first, such as the recipe fsdd-codec, "
                + "and name the folder of its run in model.codec");
        var bundle = Bundle.Open(folder);
        IAudioCodec codec = BundleTensors.Use(bundle, tensors => Restore(new StoredModel(
            ConfigFile.Read(bundle.ConfigPath), tensors, folder, "cpu"), BundleIdentity.Of(bundle).Weights, families));
        if ((codec.SampleRate, codec.Channels) == (schema.SampleRate, schema.Channels))
            return codec;
        (codec as IDisposable)?.Dispose();
        throw new AtelierException($"the codec codes sounds of {Shown(codec.SampleRate, codec.Channels)}, but these "
            + $"have {Shown(schema.SampleRate, schema.Channels)}", folder, codec.Channels == schema.Channels
            ? $"set data.audio.sampleRate to {codec.SampleRate}" : "train one on sounds of one channel");

        static string Shown(int rate, int channels) => $"{rate} Hz and {Quantity.Of(channels, "channel")}";
    }

    /// <summary>Restores the codec of a stored model.</summary>
    /// <exception cref="AtelierException">It is damaged, or of another family.</exception>
    public static IAudioCodec Restore(StoredModel stored, AudioSchema schema, IReadOnlyList<ICodecFamily> families) =>
        stored.Within(Key, Tensors) is { } within
            ? Restore(within, within.Config.String(IdentityKey, ""), families)
            : new MuLawCodec(schema.SampleRate);

    /// <summary>Adds a codec to the description and the weights of a model that is stored.</summary>
    public static void Store(IAudioCodec codec, JsonObject config, Dictionary<string, Tensor> tensors,
        IReadOnlyList<ICodecFamily> families)
    {
        if (codec is MuLawCodec)
            return;
        (JsonObject own, Dictionary<string, Tensor> weights) =
            families.Select(family => family.Store(codec)).First(stored => stored is not null)!.Value;
        own[IdentityKey] = codec.Identity;
        config[Key] = own;
        foreach ((string name, Tensor tensor) in weights)
            tensors.Add(Tensors + name, tensor);
    }

    private static IAudioCodec Restore(StoredModel stored, string identity, IReadOnlyList<ICodecFamily> families) =>
        (families.FirstOrDefault(family => family.ModelTypes.Contains(stored.Config.ModelType))
            ?? throw new AtelierException($"models of type '{stored.Config.ModelType}' are no audio codecs",
                stored.Where, "name a run of the family audio-codec")).Restore(stored, identity);
}
