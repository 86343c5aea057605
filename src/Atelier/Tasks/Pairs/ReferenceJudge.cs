using Atelier.Data.Pairs;
using Atelier.Evaluation;
using Atelier.Evaluation.Text;
using Atelier.Recipes;

namespace Atelier.Tasks.Pairs;

/// <summary>Compares generated targets with the references of pairs.</summary>
internal sealed class ReferenceJudge
{
    private readonly IReadOnlyList<string>[] _references;
    private readonly EvaluationSection _options;
    private readonly long _seed;
    private readonly CancellationToken _cancellation;
    private readonly Bleu _bleu;
    private readonly TokenAccuracy _accuracy;

    /// <summary>Creates a judge of pairs.</summary>
    /// <param name="pairs">The pairs, whose targets are the references.</param>
    /// <param name="options">The evaluation options.</param>
    /// <param name="seed">The seed of the bootstrap.</param>
    /// <param name="cancellation">Cancels counting.</param>
    /// <exception cref="AtelierException">The tokenization of BLEU is unknown.</exception>
    public ReferenceJudge(IReadOnlyList<TextPair> pairs, EvaluationSection options, long seed,
        CancellationToken cancellation)
    {
        (_options, _seed, _cancellation) = (options, seed, cancellation);
        _references = [.. pairs.Select(pair => (IReadOnlyList<string>)[pair.Target])];
        BleuTokenization tokenization = Tokenization(options.BleuTokenizer, pairs);
        _bleu = new Bleu { Tokenization = tokenization };
        _accuracy = new TokenAccuracy(tokenization);
    }

    /// <summary>The figures of a system.</summary>
    /// <param name="Figures">The metrics by name.</param>
    /// <param name="Bleu">The statistics of each text.</param>
    public sealed record Judged(IReadOnlyDictionary<string, Metric> Figures, BleuStatistics[] Bleu);

    /// <summary>The unit of BLEU.</summary>
    public string Unit => _bleu.Unit;

    /// <summary>The signature of BLEU, as sacreBLEU writes it.</summary>
    public string Signature => _bleu.Signature(references: 1);

    /// <summary>Computes the metrics of generated targets.</summary>
    /// <param name="targets">A target for each pair.</param>
    public Judged Judge(IReadOnlyList<string> targets)
    {
        Metric Of<T>(IReferenceMetric<T> metric)
            where T : struct, System.Numerics.IAdditionOperators<T, T, T> =>
            metric.Measure(metric.Count(targets, _references, _cancellation), _options.BootstrapSamples, _seed);
        BleuStatistics[] bleu = _bleu.Count(targets, _references, _cancellation);
        const RougeTokenization words = RougeTokenization.Unicode;
        return new(new Dictionary<string, Metric>
        {
            ["bleu"] = _bleu.Measure(bleu, _options.BootstrapSamples, _seed),
            ["chrf"] = Of(new Chrf()),
            ["rouge1"] = Of(new Rouge(RougeKind.Rouge1, words)),
            ["rouge2"] = Of(new Rouge(RougeKind.Rouge2, words)),
            ["rougeL"] = Of(new Rouge(RougeKind.RougeL, words)),
            ["exactMatch"] = Of(new ExactMatch()),
            ["tokenAccuracy"] = Of(_accuracy),
        }, bleu);
    }

    /// <summary>Compares the BLEU of two systems by the paired bootstrap (Koehn 2004).</summary>
    public Comparison Compare(Judged own, Judged other, Headline headline) => Comparison.Paired(
        _bleu.Compare(own.Bleu, other.Bleu, _options.BootstrapSamples, _seed), own.Bleu.Length, headline);

    private static BleuTokenization Tokenization(string name, IReadOnlyList<TextPair> pairs)
    {
        if (name == "auto")
            return pairs.Count(pair => pair.Target.AsSpan().ContainsAnyInRange('一', '鿿')) > pairs.Count / 2
                ? BleuTokenization.Chinese : BleuTokenization.Mteval13a;
        foreach (BleuTokenization known in Enum.GetValues<BleuTokenization>())
        {
            if (BleuTokenizer.NameOf(known) == name)
                return known;
        }
        throw new AtelierException($"there is no tokenization '{name}' of BLEU", "evaluation.bleuTokenizer",
            $"use auto, {string.Join(", ", Enum.GetValues<BleuTokenization>().Select(BleuTokenizer.NameOf))}");
    }
}
