using Atelier.Abstractions;
using Atelier.Data;
using Atelier.Data.Conversations;
using Atelier.Evaluation;
using Atelier.Generation;
using Atelier.Generation.Chat;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks.Text;
using Microsoft.Extensions.AI;

namespace Atelier.Tasks.Conversations;

/// <summary>The task of answering in conversations: models of text that learn the answers alone.</summary>
public sealed class ConversationTask : ITask
{
    private static readonly string[] NoAnswers =
        ["generation.lookup", "generation.draftTokens", "generation.coveragePenalty"];

    /// <inheritdoc/>
    public string Name => "conversations";

    /// <inheritdoc/>
    public string Description =>
        "Train on conversations, to answer: .jsonl files with an object of messages on each line (OpenAI's or "
        + "ShareGPT's form).";

    /// <inheritdoc/>
    public IReadOnlyList<string> RecipeKeys { get; } =
    [
        "data.conversations", "data.validation", "data.test", "data.encoding", "data.tokenizer",
        "training.labelSmoothing", "training.extendVocabulary", "evaluation.samples", "evaluation.sampleTokens",
        .. GenerationSection.DecodingKeys.Where(key => !NoAnswers.Contains(key)),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<RequestOption> RequestOptions(ITrainedModel model)
    {
        var generator = model.Require<TextGenerator>();
        return
        [
            new("prompt", "The message to answer.", Example: TextTask.KnownPrompt(generator.Tokenizer)),
            new("count", Example: "3"),
            .. generator.Model is IAdaptable ? [new RequestOption("adapter")] : Array.Empty<RequestOption>(),
            new("out", "The file to write the answers to."),
            .. TextTask.DecodingOptionsOf(generator.Defaults)
                .Where(option => !NoAnswers.Contains("generation." + option.Field)),
        ];
    }

    /// <inheritdoc/>
    public bool Evaluates(ITrainedModel model) => model.As<TextGenerator>() is { ChatTemplate: not null };

    /// <inheritdoc/>
    public GenerationRequest RequestFor(ITrainedModel model, GenerationRequest request)
    {
        if (request.Prompt is not { } message)
            return request;
        using var client = new TextChatClient(model.Require<TextGenerator>());
        GenerationRequest asked = client.CreateRequest([new ChatMessage(ChatRole.User, message)]).Generation;
        return request with { Prompt = null, PromptIds = asked.PromptIds, EndIds = asked.EndIds };
    }

    /// <inheritdoc/>
    /// <remarks>The prompt is a message, which the model answers.</remarks>
    public IAsyncEnumerable<Sample> GenerateAsync(ITrainedModel model, GenerationRequest request,
        CancellationToken cancellation = default) =>
        model.Require<TextGenerator>().GenerateAsync(RequestFor(model, request), cancellation);

    /// <inheritdoc/>
    public IDataSource Prepare(Recipe recipe, string folder, IProgress<string>? progress,
        CancellationToken cancellation)
    {
        Bundle? start = StartingBundle.Open(recipe.Training);
        ConversationForm? form = start is null ? null
            : ConversationForm.Of(start.Folder, recipe.Data.Conversations, recipe.Training.ExtendVocabulary);
        new ConversationPreparation(recipe.Data, recipe.Seed, folder, form, RowLength(recipe), progress, cancellation)
            .Run();
        return ConversationData.Open(folder);
    }

    /// <inheritdoc/>
    public IDataSource Open(string folder) => ConversationData.Open(folder);

    /// <inheritdoc/>
    public IDataSource PrepareOther(OtherData other, IProgress<string>? progress, CancellationToken cancellation)
    {
        var form = ConversationForm.Of(other.Bundle.Folder, new ConversationsSection(), []);
        new ConversationPreparation(other.Section, other.Seed, other.Folder, form, RowLength(other.Recipe), progress,
            cancellation).Run();
        return ConversationData.Open(other.Folder)
            .Learning(other.Learned is null ? null : ConversationData.Open(other.Learned));
    }

    /// <inheritdoc/>
    public Task<EvaluationReport> EvaluateAsync(EvaluationContext context, IProgress<string>? progress,
        CancellationToken cancellation) => ConversationEvaluator.EvaluateAsync(
            context.Model.Require<TextGenerator>(), (ConversationData)context.Data, context, progress, cancellation);

    /// <inheritdoc/>
    public TrialRules Trials { get; } = new("validationLoss");

    /// <inheritdoc/>
    public DataAdvice Advise(string path, IModelFamily family, CancellationToken cancellation = default)
    {
        DataAdvice advice = DataAdvice.ForFile(this, path, family.Name, "conversations", cancellation);
        return advice with
        {
            Overrides =
            [
                .. advice.Overrides, "data.tokenizer.kind=bpe", "data.tokenizer.vocabularySize=4000",
                "model.layout=llama", "model.layerCount=4", "model.headCount=4", "model.hiddenSize=256",
                "model.contextLength=512", "training.batchSize=8", "training.steps=1500",
            ],
        };
    }

    private static int RowLength(Recipe recipe) => ConversationData.RowLength(recipe.Data.Conversations,
        (recipe.Model.Config as IContextLength)?.ContextLength);
}
