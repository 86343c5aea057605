using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Recipes;

namespace Atelier.Tasks.Text;

/// <summary>A family whose models serve as a baseline for other text models.</summary>
public interface ITextBaseline
{
    /// <summary>Returns the name of the baseline in reports, such as "ngram5".</summary>
    /// <param name="options">The evaluation options.</param>
    string BaselineName(EvaluationSection options);

    /// <summary>
    /// Returns whether a model is itself of the baseline's kind, so that a comparison would be meaningless.
    /// </summary>
    /// <param name="model">The model to evaluate.</param>
    /// <param name="options">The evaluation options.</param>
    bool IsBaseline(ILanguageModel model, EvaluationSection options);

    /// <summary>Fits the baseline to the training part of the data.</summary>
    /// <param name="data">The data that the evaluated model was trained on.</param>
    /// <param name="options">The evaluation options.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    ILanguageModel FitBaseline(TextData data, EvaluationSection options, CancellationToken cancellation);
}
