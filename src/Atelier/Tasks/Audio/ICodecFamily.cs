using System.Text.Json.Nodes;
using Atelier.Abstractions;
using static TorchSharp.torch;

namespace Atelier.Tasks.Audio;

/// <summary>A family whose finished codecs can be part of a model of another family.</summary>
internal interface ICodecFamily : IModelFamily
{
    /// <summary>Restores a finished codec, without what only its training needs.</summary>
    /// <param name="stored">The codec as it is stored.</param>
    /// <param name="identity">The SHA-256 of the weights of its own bundle.</param>
    /// <exception cref="AtelierException">The stored parts do not fit together.</exception>
    IAudioCodec Restore(StoredModel stored, string identity);

    /// <summary>
    /// Returns the configuration and copies of the weights of a codec that <see cref="Restore"/> returned; null for a
    /// codec of another family.
    /// </summary>
    (JsonObject Config, Dictionary<string, Tensor> Tensors)? Store(IAudioCodec codec);
}
