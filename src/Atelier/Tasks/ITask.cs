using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Evaluation;
using Atelier.Recipes;

namespace Atelier.Tasks;

/// <summary>
/// What a model is for: how data is prepared and reopened, and how models are evaluated on it. A family names its
/// tasks. A new task is one folder under Tasks and one line in <see cref="TaskList"/>.
/// </summary>
public interface ITask
{
    /// <summary>The name in data.kind, and of the option of `train`: "table".</summary>
    string Name { get; }

    /// <summary>Describes the option of `train` in one sentence.</summary>
    string Description { get; }

    /// <summary>
    /// The keys and sections of a recipe that it reads and that not all tasks read: "data.image". A recipe for another
    /// task that sets one of them is refused.
    /// </summary>
    IReadOnlyList<string> RecipeKeys { get; }

    /// <summary>An example of what a request to generate may say: fields and their values.</summary>
    IReadOnlyList<(string Field, string Value)> GenerateExample { get; }

    /// <summary>Whether it evaluates models like this one.</summary>
    bool Evaluates(ITrainedModel model);

    /// <summary>Generates what a request asks of a model of this task.</summary>
    /// <param name="model">A model that the task evaluates.</param>
    /// <param name="request">The request.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The request cannot be fulfilled.</exception>
    IAsyncEnumerable<Sample> GenerateAsync(ITrainedModel model, GenerationRequest request,
        CancellationToken cancellation = default) =>
        model.Require<IGenerator>().GenerateAsync(request, cancellation);

    /// <summary>Reads and splits a recipe's source, and writes it to a folder; facts.json comes last.</summary>
    /// <exception cref="AtelierException">The source is missing, damaged or of another kind.</exception>
    IDataSource Prepare(Recipe recipe, string folder, IProgress<string>? progress, CancellationToken cancellation);

    /// <summary>Opens a folder that <see cref="Prepare"/> wrote.</summary>
    /// <exception cref="AtelierException">The folder is damaged.</exception>
    IDataSource Open(string folder);

    /// <summary>
    /// Prepares other data to evaluate a finished model on, in the form that the model takes: all of it becomes the
    /// test part, and the training part is what the model was trained on.
    /// </summary>
    /// <param name="other">The data and the model.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The source is missing or damaged, or does not fit the model.</exception>
    IDataSource PrepareOther(OtherData other, IProgress<string>? progress, CancellationToken cancellation);

    /// <summary>Evaluates a model on data of this task.</summary>
    /// <exception cref="AtelierException">There is no data to evaluate on, or the model does not fit the
    /// data.</exception>
    Task<EvaluationReport> EvaluateAsync(EvaluationContext context, IProgress<string>? progress,
        CancellationToken cancellation);

    /// <summary>Suggests settings for a user's own file or folder.</summary>
    /// <param name="path">The file or folder.</param>
    /// <param name="family">The family to train.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">There is no such file or folder.</exception>
    DataAdvice Advise(string path, IModelFamily family, CancellationToken cancellation = default);
}
