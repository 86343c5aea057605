using System.Runtime.CompilerServices;
using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Tagged;
using Atelier.Data.Text.Reading;
using Atelier.Evaluation;
using Atelier.Recipes;
using Atelier.Runs;

namespace Atelier.Tasks.Tagged;

/// <summary>The task of tagging the words of sentences.</summary>
public sealed class TaggingTask : ITask
{
    /// <inheritdoc/>
    public string Name => "tagged";

    /// <inheritdoc/>
    public string Description =>
        "Train on tagged sentences: a .conllu file, or a folder with such files for training, "
        + "validation and test.";

    /// <inheritdoc/>
    public IReadOnlyList<string> RecipeKeys { get; } =
    [
        "data.encoding", "data.tags", "data.examples", "data.tokenizer", "training.batchTokens",
        "training.labelSmoothing", "training.extendVocabulary", "evaluation.samples",
    ];

    /// <inheritdoc/>
    public IReadOnlyList<RequestOption> RequestOptions(ITrainedModel model) =>
    [
        new("prompt", "A sentence to tag, its words separated by spaces.", Example: "The old dog barks ."),
        new("input", "A CoNLL-U file with sentences to tag."),
        new("states", "The known tag of a word, by its position from 0. Can be repeated."),
        .. model.As<IGenerator>() is null ? Array.Empty<RequestOption>()
            : [new("count", "The number of sentences to generate if there are none to tag.")],
        new("out", "The file to write the sentences to: .conllu is CoNLL-U."),
    ];

    /// <inheritdoc/>
    public bool Evaluates(ITrainedModel model) => model.As<ITagger>() is not null;

    /// <inheritdoc/>
    /// <remarks>Tags the sentences of a file or the prompt; without either, generates tagged sentences.</remarks>
    public IAsyncEnumerable<Sample> GenerateAsync(ITrainedModel model, GenerationRequest request,
        CancellationToken cancellation = default) =>
        request.Input is null && request.Prompt is null
            ? (model.As<IGenerator>() ?? throw new AtelierException("there is no sentence to tag",
                Mention.Field("prompt"), "give a sentence, or a CoNLL-U file as the input"))
                .GenerateAsync(request, cancellation)
            : TagAsync(model.Require<ITagger>(), request.Check(prompt: true, input: true, states: true), cancellation);

    /// <inheritdoc/>
    public IDataSource Prepare(Recipe recipe, string folder, IProgress<string>? progress,
        CancellationToken cancellation) =>
        TaggedData.Prepare(recipe.Data, recipe.Seed, folder, progress, cancellation);

    /// <inheritdoc/>
    public IDataSource Open(string folder) => TaggedData.Open(folder);

    /// <inheritdoc/>
    public IDataSource PrepareOther(OtherData other, IProgress<string>? progress, CancellationToken cancellation) =>
        TaggedData.Prepare(other.Section, other.Seed, other.Folder, progress, cancellation)
            .Learning(other.Learned is null ? null : TaggedData.Open(other.Learned));

    /// <inheritdoc/>
    public Task<EvaluationReport> EvaluateAsync(EvaluationContext context, IProgress<string>? progress,
        CancellationToken cancellation) =>
        Task.Run(
            () => TaggedEvaluator.Evaluate(context.Model.Require<ITagger>(), (TaggedData)context.Data, context,
                progress, cancellation),
            cancellation);

    /// <inheritdoc/>
    public DataAdvice Advise(string path, IModelFamily family, CancellationToken cancellation = default) =>
        DataAdvice.ForFile(this, path, family.Name, "tagged sentences", cancellation);

    private static async IAsyncEnumerable<Sample> TagAsync(ITagger tagger, GenerationRequest request,
        [EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.Yield();
        IEnumerable<TaggedSentence> sentences = request.Input is { } file
            ? ConlluFile.Read(file, tagger.Column, new ReadingReport(), keepLines: true)
            : [new(request.Prompt!.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries), [])];
        foreach (TaggedSentence sentence in sentences)
        {
            cancellation.ThrowIfCancellationRequested();
            (IReadOnlyList<string> tags, double? log) = tagger.Tag(sentence.Words, request.States);
            yield return new TaggedSample(sentence.Words, tags)
            {
                LogProbability = log,
                Conllu = ConlluFile.Write(sentence with { Tags = tags }, tagger.Column),
            };
        }
    }
}
