using System.Globalization;
using Atelier.Abstractions;
using Atelier.Evaluation;
using Atelier.Generation;

namespace Atelier.Benchmarks;

/// <summary>
/// How well methods of explanation rank the tokens of a text: the tokens are deleted, those of the largest effect
/// first, and the better the ranking, the faster the predicted token becomes improbable (Petsiuk et al. 2018).
/// </summary>
internal static class DeletionCurves
{
    public const string Name = "deletion";

    public const string Description =
        "deletion curves of attributions: the mean probability of a prediction while tokens are deleted, the most "
            + "important ones first";

    private const int TextLength = 48, Resamples = 1000;
    private static readonly string[] Methods =
        ["occlusion", "integrated-gradients", "gradient-times-input", "attention", "rollout", "random"];

    /// <summary>Prints the area below the curve by each method, with its 95 % interval over texts.</summary>
    /// <param name="run">A run or a bundle of a language model or of an encoder-decoder.</param>
    /// <param name="file">A text, or lines of a source; for an encoder-decoder the model writes the targets.</param>
    /// <param name="count">The number of texts.</param>
    public static void Run(string run, string file, int count)
    {
        var workshop = new Workshop();
        using ITrainedModel model = workshop.Open(run, new OpenOptions { Device = "cpu" });
        using ITrainedModel network = workshop.Open(run, new OpenOptions { Device = "cpu", ForTraining = true });
        IEmbeddingGradients gradients = network.Require<IEmbeddingGradients>();
        var random = new Random(1);
        double[][] areas = new double[count][];
        string[] texts = model is SequenceToSequenceGenerator ? Lines(file, count) : Passages(file, count, random);
        for (int i = 0; i < texts.Length; i++)
        {
            var request = new TextExplanationRequest(texts[i])
            {
                Methods = Enum.GetValues<AttributionMethod>(), Gradients = gradients,
            };
            TextExplanation explanation = model.Require<ITextExplainable>().ExplainText(request);
            if (explanation.Target.Count > 0) // a token in the middle of the target that the model writes
                explanation = model.Require<ITextExplainable>().ExplainText(request with
                {
                    Token = explanation.Prediction!.Position + random.Next(explanation.Target.Count / 2 + 1),
                });
            areas[i] = Areas(model, explanation, random);
            Console.Error.Write($"\r{i + 1} of {texts.Length}");
        }
        Console.Error.WriteLine();
        foreach ((int m, string method) in Methods.Index())
        {
            double[] own = [.. areas.Select(area => area[m])];
            (double low, double high) = Interval(own);
            (double less, double more) = Interval([.. areas.Select(area => area[m] - area[^1])]);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{method,-22} {own.Average():0.000} [{low:0.000}, {high:0.000}]   less random: "
                    + $"[{less:+0.000;-0.000}, {more:+0.000;-0.000}]"));
        }
    }

    private static (double Low, double High) Interval(double[] values) => Bootstrap.Central(
        [.. Bootstrap.Resample(values, Resamples, seed: 1).Select(sum => sum / values.Length)]);

    private static string[] Lines(string file, int count) =>
        [.. File.ReadLines(file).Where(line => line.Length > 0).Take(count)];

    private static string[] Passages(string file, int count, Random random)
    {
        string text = File.ReadAllText(file);
        return [.. Enumerable.Range(0, count).Select(_ => text.Substring(random.Next(text.Length - TextLength),
            TextLength))];
    }

    /// <summary>The area below the curve by each method.</summary>
    private static double[] Areas(ITrainedModel model, TextExplanation explanation, Random random)
    {
        ExplainedPrediction prediction = explanation.Prediction!;
        IReadOnlyList<TokenEffect> moving = prediction.Effects(AttributionMethod.IntegratedGradients);
        var attention = new List<TokenEffect>();
        var rollout = new List<TokenEffect>();
        bool isPair = explanation.Target.Count > 0;
        foreach (TokenEffect token in moving)
        {
            AttentionMap map = explanation.Attention.Single(one => one.Kind == (!isPair ? AttentionKind.Text
                : token.IsTarget ? AttentionKind.Target : AttentionKind.Cross));
            int at = prediction.Query * map.KeyCount + token.Position, size = map.QueryCount * map.KeyCount;
            attention.Add(token with
            {
                Effect = map.Weights.Average(layer =>
                    Enumerable.Range(0, map.HeadCount).Average(head => layer[(head * size) + at])),
            });
            rollout.Add(token with { Effect = map.Rollout is { } rolled ? rolled[at] : attention[^1].Effect });
        }
        return [.. Methods.Select(method => Area(model, explanation, method switch
        {
            "attention" => attention,
            "rollout" => rollout,
            "random" => [.. moving.Select(token => token with { Effect = random.NextDouble() })],
            _ => prediction.Effects(Enum.GetValues<AttributionMethod>()[Array.IndexOf(Methods, method)]),
        }))];
    }

    private static double Area(ITrainedModel model, TextExplanation explanation, IReadOnlyList<TokenEffect> effects)
    {
        ExplainedPrediction prediction = explanation.Prediction!;
        int[] text = [.. explanation.Tokens.Select(token => token.Id)];
        int[] target = [.. explanation.Target.Select(token => token.Id)];
        TokenEffect[] ranked = [.. effects.OrderByDescending(one => one.Effect)];
        var shortened = new List<(int[] Text, int[] Target)>();
        for (int deleted = 1; deleted < ranked.Length; deleted++)
        {
            var gone = ranked.Take(deleted).Select(one => (one.IsTarget, one.Position)).ToHashSet();
            int[] Kept(int[] ids, bool isTarget, int count) => [.. ids.Take(count).Where((_, i) =>
                !gone.Contains((isTarget, i)))];
            int[] source = Kept(text, isTarget: false, target.Length > 0 ? text.Length : prediction.Position);
            int[] read = Kept(target, isTarget: true, prediction.Position);
            shortened.Add(target.Length > 0 ? (source, [.. read, prediction.Token.Id])
                : ([.. source, prediction.Token.Id], []));
        }
        IEnumerable<double> logs = model is SequenceToSequenceGenerator pairs
            ? pairs.Model.Score([.. shortened.Select(one => ((ReadOnlyMemory<int>)one.Text,
                (ReadOnlyMemory<int>)one.Target))]).Select(row => row[^1].LogProbability)
            : ((TextGenerator)model).Model.Score([.. shortened.Select(one => (ReadOnlyMemory<int>)one.Text)])
                .Select(row => row[^1].LogProbability);
        return logs.Select(Math.Exp).Average();
    }
}
