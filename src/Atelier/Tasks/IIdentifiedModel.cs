using Atelier.Runs;

namespace Atelier.Tasks;

/// <summary>A model whose identity is recorded in the files that it generates.</summary>
public interface IIdentifiedModel
{
    /// <summary>The identity of the model; null if it was not read from a bundle.</summary>
    BundleIdentity? Identity { get; }
}
