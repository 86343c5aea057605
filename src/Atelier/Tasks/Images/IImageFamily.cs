namespace Atelier.Tasks.Images;

/// <summary>A family whose finished models can be part of a model of another family.</summary>
internal interface IImageFamily : IModelFamily
{
    /// <summary>Restores a finished model, in evaluation mode.</summary>
    /// <exception cref="AtelierException">The stored parts do not fit together.</exception>
    ImageModel Restore(StoredModel stored);
}
