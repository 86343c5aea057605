using System.Globalization;
using Atelier.Abstractions;
using Atelier.Models.BayesianNetwork.Inference;

namespace Atelier.Models.BayesianNetwork;

/// <summary>Answers a probability query with a sentence and a table.</summary>
internal sealed class NetworkAnswers
{
    private readonly BayesianNetworkModel _model;
    private readonly Question _question;
    private readonly SortedDictionary<int, int> _evidence;
    private readonly SortedDictionary<int, int> _settings;
    private readonly InferenceOptions _options;
    private readonly NetworkInference _inference;
    private readonly CancellationToken _cancellation;

    /// <summary>Prepares the answer to a question.</summary>
    /// <param name="model">The model that is asked.</param>
    /// <param name="question">The question.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The question names an unknown column or value, or evidence contradicts an
    /// intervention.</exception>
    public NetworkAnswers(BayesianNetworkModel model, Question question, CancellationToken cancellation)
    {
        (_model, _question, _cancellation) = (model, question, cancellation);
        _options = new InferenceOptions { Seed = question.Seed, Precision = question.Precision };
        _evidence = model.States(question.Evidence);
        _settings = model.States(question.Interventions);
        foreach ((int variable, int state) in _evidence)
        {
            if (_settings.TryGetValue(variable, out int set) && set != state)
                throw new AtelierException($"{Name(variable)} is set to one value and observed to have another",
                    Mention.Field("evidence"), "leave one of them out");
        }
        _inference = model.After(_settings, _options);
    }

    /// <summary>Computes the answer.</summary>
    /// <exception cref="AtelierException">The question contradicts itself, the evidence is impossible, or the answer
    /// cannot be computed as precisely as asked.</exception>
    public Explanation Answer()
    {
        if (_question.MostProbable)
            return MostProbable();
        int[] targets = [.. _question.Targets.Select(_model.Schema.IndexOf)];
        foreach (int target in targets.Where(t => _evidence.ContainsKey(t)))
            throw new AtelierException($"{Name(target)} is queried and also given as evidence",
                Mention.Field("targets"),
                "query another variable, or leave the evidence out");
        return targets.Length > 1 ? Joint(targets) : Marginals(targets);
    }

    private Explanation MostProbable()
    {
        if (_question.Targets.Count > 0)
            throw new AtelierException("the most probable explanation covers all variables", Mention.Field("targets"),
                $"leave {Mention.Field("targets")} out");
        (byte[] states, double logProbability) = _inference.MostProbable(_evidence, _cancellation);
        return new(string.Create(CultureInfo.InvariantCulture,
            $"the most probable values{Given()}, together of probability {Math.Exp(logProbability):G4}"),
            [new("values", ["variable", "value"],
                [.. states.Select((state, i) => Row(Name(i), new CellValue(Value(i, state))))])], [])
        {
            Method = MethodOf([]),
        };
    }

    private Explanation Marginals(int[] targets)
    {
        int[] shown = targets.Length > 0 ? targets : [.. Enumerable.Range(0, _model.Network.Variables.Count)
            .Where(i => !_evidence.ContainsKey(i) && !_settings.ContainsKey(i))];
        Posterior[] after = _inference.Marginals(shown, _evidence, _cancellation);
        AnswerMethod method = MethodOf(after);
        List<string> columns = ["variable", "value", "probability"];
        if (!method.IsExact)
            columns.AddRange(["low", "high"]);
        Posterior[]? before = null;
        if (_evidence.Count + _settings.Count > 0)
        {
            var nothing = new SortedDictionary<int, int>();
            before = _model.After(nothing, _options).Marginals(shown, nothing, _cancellation);
            columns.Add("without evidence");
        }
        var rows = new List<CellValue[]>();
        for (int i = 0; i < shown.Length; i++)
        {
            for (int state = 0; state < after[i].Probabilities.Length; state++)
            {
                IEnumerable<double> numbers = Numbers(after[i], state, method);
                if (before is not null)
                    numbers = numbers.Append(before[i].Probabilities[state]);
                rows.Add(Row(Name(shown[i]), [new CellValue(Value(shown[i], state)),
                    .. numbers.Select(p => new CellValue(p))]));
            }
        }
        string asked = targets.Length > 0 ? $"P({Name(targets[0])}{Bar()})" : $"each variable{Given()}";
        return new($"{asked}, {Show(after)}", [new("probabilities", columns, rows)], []) { Method = method };
    }

    private Explanation Joint(int[] targets)
    {
        if (targets.Distinct().Count() < targets.Length)
            throw new AtelierException("a variable is queried twice", Mention.Field("targets"),
                "name each variable once");
        Posterior joint = _inference.Joint(targets, _evidence, _cancellation);
        AnswerMethod method = MethodOf([joint]);
        string[] columns = [.. targets.Select(Name), "probability"];
        if (!method.IsExact)
            columns = [.. columns, "low", "high"];
        CellValue[][] rows = [.. Enumerable.Range(0, joint.Probabilities.Length).Select(RowOf)];
        return new($"P({string.Join(", ", targets.Select(Name))}{Bar()}), {Show([joint])}",
            [new("probabilities", columns, rows)], []) { Method = method };

        CellValue[] RowOf(int cell)
        {
            var states = new CellValue[targets.Length];
            int rest = cell;
            for (int t = targets.Length - 1; t >= 0; t--)
            {
                (rest, int state) = Math.DivRem(rest, _inference.Network.StatesOf(targets[t]));
                states[t] = new CellValue(Value(targets[t], state));
            }
            return [.. states, .. Numbers(joint, cell, method).Select(p => new CellValue(p))];
        }
    }

    // The probability, and its confidence interval if any answer of the table has one
    private static IEnumerable<double> Numbers(Posterior posterior, int place, AnswerMethod method)
    {
        double p = posterior.Probabilities[place];
        return method.IsExact ? [p] : [p, posterior.Sampling?.Low[place] ?? p, posterior.Sampling?.High[place] ?? p];
    }

    private static AnswerMethod MethodOf(IEnumerable<Posterior> posteriors) =>
        Widest(posteriors) is { } s ? new(s.Rows, s.EffectiveRows, s.Precision) : new(0, 0, 0);

    private static string Show(IEnumerable<Posterior> posteriors) => Widest(posteriors)?.ToString() ?? "exact";

    private static Sampling? Widest(IEnumerable<Posterior> posteriors) =>
        posteriors.Select(p => p.Sampling).OfType<Sampling>().MaxBy(s => s.Precision);

    private static CellValue[] Row(string name, params CellValue[] values) => [new CellValue(name), .. values];

    private string Name(int variable) => _model.Schema.Columns[variable].Name;

    private string Value(int variable, int state) => _model.Schema.Columns[variable].Levels[state];

    private string Known()
    {
        string settings = _settings.Count > 0 ? $"do({Evidence.Show(_model.Network, _settings)})" : "";
        string[] parts = [settings, Evidence.Show(_model.Network, _evidence)];
        return string.Join(", ", parts.Where(part => part.Length > 0));
    }

    private string Bar() => Known().Length == 0 ? "" : $" | {Known()}";

    private string Given() => Known().Length == 0 ? "" : $" given {Known()}";
}
