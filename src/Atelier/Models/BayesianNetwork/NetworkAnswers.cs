using System.Globalization;
using Atelier.Decoding;
using Atelier.Models.BayesianNetwork.Inference;

namespace Atelier.Models.BayesianNetwork;

/// <summary>The answer to a question, in a sentence and a table.</summary>
internal sealed class NetworkAnswers
{
    private readonly BayesianNetworkModel _model;
    private readonly Question _question;
    private readonly SortedDictionary<int, int> _evidence;
    private readonly SortedDictionary<int, int> _settings;
    private readonly NetworkInference _inference;

    public NetworkAnswers(BayesianNetworkModel model, Question question)
    {
        (_model, _question) = (model, question);
        _evidence = model.States(question.Evidence);
        _settings = model.States(question.Interventions);
        foreach ((int variable, int state) in _evidence)
        {
            if (_settings.TryGetValue(variable, out int set) && set != state)
                throw new AtelierException($"{Name(variable)} is set to one value and seen to be another", "--evidence", "leave one of them out");
        }
        _inference = model.After(_settings, question.Seed);
    }

    public Explanation Answer()
    {
        if (_question.MostProbable)
            return MostProbable();
        int[] targets = [.. _question.Targets.Select(_model.Schema.IndexOf)];
        foreach (int target in targets.Where(t => _evidence.ContainsKey(t)))
            throw new AtelierException($"{Name(target)} is asked for and given", "--query", "ask for another variable, or leave the evidence out");
        return targets.Length > 1 ? Joint(targets) : Marginals(targets);
    }

    private Explanation MostProbable()
    {
        if (_question.Targets.Count > 0)
            throw new AtelierException("the most probable explanation is of all variables", "--query", "leave --query out");
        (byte[] states, double logProbability) = _inference.MostProbable(_evidence);
        return new(string.Create(CultureInfo.InvariantCulture, $"the most probable values{Given()}, together of probability {Math.Exp(logProbability):G4}"),
            [new("values", ["variable", "value"], [.. states.Select((state, i) => Row(Name(i), new CellValue(Value(i, state))))])], []);
    }

    private Explanation Marginals(int[] targets)
    {
        double[][] before = _model.After(new SortedDictionary<int, int>(), _question.Seed).Marginals(new SortedDictionary<int, int>());
        double[][] after = _inference.Marginals(_evidence);
        IEnumerable<int> shown = targets.Length > 0 ? targets : Enumerable.Range(0, after.Length).Where(i => !_evidence.ContainsKey(i) && !_settings.ContainsKey(i));
        bool known = _evidence.Count + _settings.Count > 0;
        return new($"{(targets.Length > 0 ? $"P({Name(targets[0])}{Bar()})" : $"each variable{Given()}")}, {_inference.Method}",
            [new("probabilities", known ? ["variable", "value", "probability", "without what is known"] : ["variable", "value", "probability"],
                [.. shown.SelectMany(i => after[i].Select((p, state) => known
                    ? Row(Name(i), new CellValue(Value(i, state)), new CellValue(p), new CellValue(before[i][state]))
                    : Row(Name(i), new CellValue(Value(i, state)), new CellValue(p))))])], []);
    }

    private Explanation Joint(int[] targets)
    {
        if (targets.Distinct().Count() < targets.Length)
            throw new AtelierException("a variable is asked for twice", "--query", "name each once");
        double[] joint = _inference.Joint(targets, _evidence);
        return new($"P({string.Join(", ", targets.Select(Name))}{Bar()}), {_inference.Method}",
            [new("probabilities", [.. targets.Select(Name), "probability"], [.. joint.Select((p, cell) =>
            {
                var row = new CellValue[targets.Length + 1];
                row[^1] = new CellValue(p);
                for (int t = targets.Length - 1; t >= 0; t--)
                {
                    (cell, int state) = Math.DivRem(cell, _inference.Network.StatesOf(targets[t]));
                    row[t] = new CellValue(Value(targets[t], state));
                }
                return row;
            })])], []);
    }

    private static CellValue[] Row(string name, params CellValue[] values) => [new CellValue(name), .. values];

    private string Name(int variable) => _model.Schema.Columns[variable].Name;

    private string Value(int variable, int state) => _model.Schema.Columns[variable].Levels[state];

    private string Known() => string.Join(", ", ((string[])
        [_settings.Count > 0 ? $"do({Evidence.Show(_model.Network, _settings)})" : "", Evidence.Show(_model.Network, _evidence)]).Where(part => part.Length > 0));

    private string Bar() => Known().Length == 0 ? "" : $" | {Known()}";

    private string Given() => Known().Length == 0 ? "" : $" given {Known()}";
}
