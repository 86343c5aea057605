using Atelier.Abstractions;
using Atelier.Data.Text;
using Atelier.Recipes;

namespace Atelier.Tasks.Text;

/// <summary>A family whose models serve as a baseline for other text models.</summary>
public interface ITextBaseline
{
    /// <summary>The baseline's name in reports: "ngram5".</summary>
    /// <param name="options">How models are judged.</param>
    string BaselineName(EvaluationSection options);

    /// <summary>Whether a model is the baseline itself, which is then not compared with itself.</summary>
    /// <param name="model">The model that is judged.</param>
    /// <param name="options">How it is judged.</param>
    bool IsBaseline(ILanguageModel model, EvaluationSection options);

    /// <summary>Fits the baseline to the training part.</summary>
    /// <param name="data">The data that the judged model learned from.</param>
    /// <param name="options">How models are judged.</param>
    /// <param name="cancellation">Stops.</param>
    ILanguageModel FitBaseline(TextData data, EvaluationSection options, CancellationToken cancellation);
}
