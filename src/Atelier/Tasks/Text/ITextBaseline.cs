using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Recipes;

namespace Atelier.Tasks.Text;

/// <summary>A family whose models serve as a baseline for other text models.</summary>
public interface ITextBaseline
{
    /// <summary>The baseline's name in reports: "ngram5".</summary>
    /// <param name="options">The evaluation options.</param>
    string BaselineName(EvaluationSection options);

    /// <summary>Whether a model is the baseline itself, which is then not compared with itself.</summary>
    /// <param name="model">The model to evaluate.</param>
    /// <param name="options">The evaluation options.</param>
    bool IsBaseline(ILanguageModel model, EvaluationSection options);

    /// <summary>Fits the baseline to the training part.</summary>
    /// <param name="data">The data that the evaluated model was trained on.</param>
    /// <param name="options">The evaluation options.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    ILanguageModel FitBaseline(TextData data, EvaluationSection options, CancellationToken cancellation);
}
