namespace Atelier.Abstractions;

/// <summary>
/// A trained model. Ask for its capabilities with <see cref="As{T}"/>: <c>model.As&lt;IGenerator&gt;()</c> returns null
/// if the model cannot draw samples. Capabilities are disposed with the model.
/// </summary>
public interface ITrainedModel : IDisposable
{
    /// <summary>
    /// Returns the model as one of its capabilities, such as <see cref="IGenerator"/> or <see cref="IExplainable"/>, or
    /// null if it does not have it.
    /// </summary>
    /// <typeparam name="T">The type of the capability.</typeparam>
    T? As<T>()
        where T : class => this as T;
}

/// <summary>Extensions of <see cref="ITrainedModel"/>.</summary>
public static class TrainedModelExtensions
{
    /// <summary>Returns the model as one of its capabilities, or throws if it does not have it.</summary>
    /// <param name="model">The model.</param>
    /// <typeparam name="T">The type of the capability.</typeparam>
    /// <exception cref="AtelierException">The model does not have the capability.</exception>
    public static T Require<T>(this ITrainedModel model)
        where T : class =>
        model.As<T>() ?? throw new AtelierException($"this kind of model does not implement {typeof(T).Name}",
            hint: "open a model that has this capability");
}
