using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Evaluation;
using Atelier.Recipes;

namespace Atelier.Tasks;

/// <summary>
/// What a model is for: how data are prepared and reopened, how models are evaluated on them, and how they generate. A
/// family names its tasks. A new task is one folder under Tasks and one line in <see cref="TaskList"/>.
/// </summary>
public interface ITask
{
    /// <summary>The name in data.kind, and of the option of `train`, such as "table".</summary>
    string Name { get; }

    /// <summary>Describes the option of `train` in one sentence.</summary>
    string Description { get; }

    /// <summary>
    /// The keys and sections of a recipe that this task reads and that not all tasks read, such as "data.image". A
    /// recipe for another task that sets one of them is refused.
    /// </summary>
    IReadOnlyList<string> RecipeKeys { get; }

    /// <summary>Returns the options that a request to a model can have, in the order to show them.</summary>
    /// <param name="model">A model that the task evaluates.</param>
    IReadOnlyList<RequestOption> RequestOptions(ITrainedModel model);

    /// <summary>
    /// Returns a text of the data that fits a request's prompt better than the example of
    /// <see cref="RequestOptions(ITrainedModel)"/>; null if there is none.
    /// </summary>
    /// <param name="data">Prepared data of this task, which the model was trained on.</param>
    string? ExamplePrompt(IDataSource data) => null;

    /// <summary>
    /// Returns a user's request as the model's own generator takes it: for conversations, the prompt is a message,
    /// which the model's chat template writes.
    /// </summary>
    /// <param name="model">A model that the task evaluates.</param>
    /// <param name="request">The request.</param>
    /// <exception cref="AtelierException">The model cannot be asked this.</exception>
    GenerationRequest RequestFor(ITrainedModel model, GenerationRequest request) => request;

    /// <summary>Returns whether the task can evaluate a model.</summary>
    bool Evaluates(ITrainedModel model);

    /// <summary>Generates the samples of a request with a model of this task.</summary>
    /// <param name="model">A model that the task can evaluate.</param>
    /// <param name="request">The request.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The request cannot be fulfilled.</exception>
    IAsyncEnumerable<Sample> GenerateAsync(ITrainedModel model, GenerationRequest request,
        CancellationToken cancellation = default) =>
        model.Require<IGenerator>().GenerateAsync(request, cancellation);

    /// <summary>
    /// Reads and splits the data source of a recipe, and writes the prepared data to a folder; facts.json is written
    /// last.
    /// </summary>
    /// <exception cref="AtelierException">The source is missing or damaged, or not data of this task.</exception>
    IDataSource Prepare(Recipe recipe, string folder, IProgress<string>? progress, CancellationToken cancellation);

    /// <summary>Opens a folder that <see cref="Prepare"/> wrote.</summary>
    /// <exception cref="AtelierException">The folder is damaged.</exception>
    IDataSource Open(string folder);

    /// <summary>
    /// Prepares data from another source to evaluate a finished model on, encoded as the model requires. All of the
    /// data become the test part; the training part is the data that the model was trained on, if they still exist.
    /// </summary>
    /// <param name="other">The data and the model.</param>
    /// <param name="progress">Receives a message at each stage.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The source is missing or damaged, or does not match the model.</exception>
    IDataSource PrepareOther(OtherData other, IProgress<string>? progress, CancellationToken cancellation);

    /// <summary>Evaluates a model on data of this task.</summary>
    /// <exception cref="AtelierException">There are no data to evaluate on, or the model does not match the
    /// data.</exception>
    Task<EvaluationReport> EvaluateAsync(EvaluationContext context, IProgress<string>? progress,
        CancellationToken cancellation);

    /// <summary>How short trainings of different families are compared.</summary>
    TrialRules Trials => new(Loss: null);

    /// <summary>Suggests settings for a user's own file or folder.</summary>
    /// <param name="path">The path of the file or folder.</param>
    /// <param name="family">The family to train.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The file or folder does not exist.</exception>
    DataAdvice Advise(string path, IModelFamily family, CancellationToken cancellation = default);
}
