using Atelier.Data.Text;
using Atelier.Exchange;
using Atelier.Formats;
using Atelier.Recipes;
using Atelier.Runs;
using Atelier.Tasks;
using Atelier.Tensors;
using Atelier.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Atelier.Models.Bert;

/// <summary>The model that the training of a BERT starts from.</summary>
internal sealed class BertStart : IDisposable
{
    private readonly Bundle _bundle;

    private BertStart(Bundle bundle, BertModel encoder, BertClassifier? classifier, MaskedTokens tokens) =>
        (_bundle, Encoder, Classifier, Tokens) = (bundle, encoder, classifier, tokens);

    /// <summary>The encoder, with its head if it predicts tokens.</summary>
    public BertModel Encoder { get; }

    /// <summary>The model with its head, if that predicts labels; null for others.</summary>
    public BertClassifier? Classifier { get; }

    /// <summary>The special tokens.</summary>
    public MaskedTokens Tokens { get; }

    /// <summary>Opens the model of training.from; null without one.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="tokenizer">The tokenizer of the data, which must have the tokens of the model.</param>
    /// <exception cref="AtelierException">There is no such model, it is damaged, or it has other tokens.</exception>
    public static BertStart? Open(Recipe recipe, Tokenizer tokenizer)
    {
        if (StartingBundle.Open(recipe.Training) is not { } bundle)
            return null;
        ConfigFile file = ConfigFile.Read(bundle.ConfigPath);
        Tokenizer own = TokenizerFile.LoadFolder(bundle.Folder);
        StartingWeights.CheckTokens(own, tokenizer);
        MaskedTokens tokens = MaskedTextFile.ReadTokens(file, own);
        if (tokens.MaskId >= own.VocabularySize && tokenizer.VocabularySize > own.VocabularySize)
            throw new AtelierException("the mask token of the model follows the tokens of its tokenizer, so that none "
                + "can be added", "training.extendVocabulary", "leave it out");
        if (BertConfigFile.HeadOf(file) is null)
            return new BertStart(bundle, BertFamily.ReadModel(bundle), null, tokens);
        BertClassifier classifier = BertFamily.ReadClassifier(bundle);
        return new BertStart(bundle, classifier.Encoder, classifier, tokens);
    }

    /// <summary>Returns the number of tokens of a model that starts from this one.</summary>
    /// <remarks>
    /// Published vocabularies may be padded with rows that no token uses, which new tokens then take.
    /// </remarks>
    public int VocabularySize(Tokenizer tokenizer) => Math.Max(Encoder.VocabularySize, tokenizer.VocabularySize);

    /// <summary>Copies the weights to a model. Those of further tokens are new.</summary>
    /// <param name="model">The model: an encoder, or a classifier with the labels of this one.</param>
    /// <param name="recipe">The recipe.</param>
    /// <param name="isNew">Returns whether a weight keeps its initial values, by its name.</param>
    /// <exception cref="AtelierException">The model has another shape, or adapters would leave new weights
    /// untrained.</exception>
    public void CopyTo(nn.Module model, Recipe recipe, Func<string, bool> isNew)
    {
        nn.Module source = model is BertClassifier ? Classifier! : Encoder;
        int rows = (model as BertClassifier)?.Encoder.VocabularySize ?? ((BertModel)model).VocabularySize;
        StartingWeights.Copy(model, source, (Encoder.VocabularySize, rows), recipe.Seed, _bundle.Folder, isNew);
    }

    /// <summary>Returns what a user should know of a head that does not come from this model.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="head">What the head predicts, such as "tokens".</param>
    /// <exception cref="AtelierException">The recipe trains adapters alone.</exception>
    public string NewHead(Recipe recipe, string head) => recipe.Training.Lora is null
        ? $"The model of training.from has no head that predicts {head}: a new one is trained."
        : throw new AtelierException($"the model of training.from has no head that predicts {head}, and adapters alone "
            + "would leave a new one untrained", "training.lora", "leave it out");

    /// <inheritdoc/>
    public void Dispose()
    {
        Encoder.Dispose();
        Classifier?.Dispose();
    }
}
