using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Evaluation;
using Atelier.Recipes;

namespace Atelier.Tasks;

/// <summary>
/// A kind of data: how a source is prepared and opened again, and how models of it are judged. A family names the kinds
/// it
/// learns from; a new kind is one class here and one line in <see cref="TaskList"/>.
/// </summary>
public interface ITask
{
    /// <summary>The name in data.kind, and of train's option: "table".</summary>
    string Name { get; }

    /// <summary>What train's option takes, one sentence.</summary>
    string Description { get; }

    /// <summary>
    /// The keys and sections of a recipe that it reads and that not all tasks read: "data.image". A recipe for another
    /// task that sets one of them is refused.
    /// </summary>
    IReadOnlyList<string> RecipeKeys { get; }

    /// <summary>An example of what a request to generate may say: fields and their values.</summary>
    IReadOnlyList<(string Field, string Value)> GenerateExample { get; }

    /// <summary>Whether it judges such models.</summary>
    bool Judges(IGenerator generator);

    /// <summary>Reads a recipe's source, shares it out, and writes it to a folder; facts.json comes last.</summary>
    /// <exception cref="AtelierException">The source is missing, damaged or of another kind.</exception>
    IDataSource Prepare(Recipe recipe, string folder, IProgress<string>? progress, CancellationToken cancellation);

    /// <summary>Opens what <see cref="Prepare"/> wrote.</summary>
    /// <exception cref="AtelierException">The folder is damaged.</exception>
    IDataSource Open(string folder);

    /// <summary>
    /// Prepares other data for a finished model to be judged by, in the form the model takes: all of it the test part,
    /// and what the model learned from the training part.
    /// </summary>
    /// <param name="other">The data and the model.</param>
    /// <param name="progress">Told what is being done.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="AtelierException">The source is missing or damaged, or does not go with the model.</exception>
    IDataSource PrepareOther(OtherData other, IProgress<string>? progress, CancellationToken cancellation);

    /// <summary>Judges a model on data of this kind.</summary>
    /// <exception cref="AtelierException">There is nothing to judge by, or the model does not go with the
    /// data.</exception>
    Task<EvaluationReport> EvaluateAsync(EvaluationContext judging, IProgress<string>? progress,
        CancellationToken cancellation);

    /// <summary>Sensible settings for a person's own file or folder.</summary>
    /// <param name="path">Where the data is.</param>
    /// <param name="family">The family to teach.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="AtelierException">There is nothing there.</exception>
    DataAdvice Advise(string path, IModelFamily family, CancellationToken cancellation = default);
}
