using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Atelier.Abstractions;
using Atelier.Cli.Commands;
using Atelier.Explain;

namespace Atelier.Cli;

/// <summary>The options that explain what a model does with a text, and the tables of the explanation.</summary>
internal sealed class TextExplanationArguments
{
    private const int ShownHeads = 12;

    private readonly Option<string?> _text = new("--text") { HelpName = "TEXT",
        Description = "A text: shows why its next token, or the token of --token, is predicted." };
    private readonly Option<string?> _target = new("--target") { HelpName = "TEXT",
        Description = "The text that the model should have written. By default, the one that it writes." };
    private readonly Option<int?> _token = new("--token") { HelpName = "N",
        Description = "The number of the token to explain, as the table of tokens counts them." };

    public void AddTo(Command command)
    {
        command.Add(_text);
        command.Add(_target);
        command.Add(_token);
    }

    /// <summary>Returns the text to explain, or null.</summary>
    public TextExplanationRequest? Read(ParseResult parse)
    {
        (string? target, int? token) = (parse.GetValue(_target), parse.GetValue(_token));
        if (parse.GetValue(_text) is { } text)
            return new TextExplanationRequest(text) { Target = target, Token = token };
        return target is null && token is null ? null
            : throw new AtelierException("there is no text to explain", target is null ? "--token" : "--target",
                "add --text TEXT");
    }

    /// <summary>Explains a text, shows the explanation and writes its pictures.</summary>
    /// <param name="console">The console.</param>
    /// <param name="model">The model.</param>
    /// <param name="request">The text.</param>
    /// <param name="run">The folder of the model.</param>
    /// <param name="folder">The folder of the pictures; null writes none.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The model explains no texts, or not this one.</exception>
    public void Explain(ToolConsole console, ITrainedModel model, TextExplanationRequest request, string run,
        string? folder, CancellationToken cancellation)
    {
        ITextExplainable explainable = model.As<ITextExplainable>()
            ?? throw new AtelierException("this kind of model does not explain texts", run, "leave out --text");
        TextExplanation explanation = explainable.ExplainText(request, cancellation);
        Show(console, explanation);
        string[] pictures = ExplainCommand.WritePictures(console, folder,
            TextExplanationImages.Of(explanation, cancellation));
        console.Result(() =>
        {
            JsonObject json = TextExplanationJson.Write(explanation, key => key);
            json.Insert(0, "run", Path.GetFullPath(run));
            json["pictures"] = new JsonArray([.. pictures.Select(path => (JsonNode)Path.GetFullPath(path))]);
            return json;
        });
    }

    private static void Show(ToolConsole console, TextExplanation explanation)
    {
        bool hasTarget = explanation.Target.Count > 0;
        Tokens(console, explanation, explanation.Tokens, isTarget: false);
        if (hasTarget)
            Tokens(console, explanation, explanation.Target, isTarget: true);
        if (explanation.Prediction is not { } prediction)
        {
            console.Say(explanation.Lens.Count == 0 ? "\nThe model predicts no tokens."
                : "\nThe text has no mask. Choose a token to predict with --token.");
            return;
        }
        console.Say(string.Create(CultureInfo.InvariantCulture, $"\nprediction of token {prediction.Position}: "
            + $"{Quoted(prediction.Token.Text)}, {Share(prediction.Token.LogProbability)}"));
        console.Table(["token", "probability"], prediction.Alternatives.Select(one =>
            (string[])[Quoted(one.Text), Share(one.LogProbability)]));
        if (explanation.Lens.Count == 0)
            return;
        console.Say("logit lens: what each layer would predict");
        console.Table(["layer", "most probable tokens"], explanation.Lens.Select((layer, i) => (string[])
            [i.ToString(CultureInfo.InvariantCulture), string.Join("  ",
                layer[prediction.Query].Top.Select(one => $"{Quoted(one.Text)} {Share(one.LogProbability)}"))]));
        Heads(console, explanation, prediction.Query, hasTarget);
    }

    /// <summary>Shows the tokens with their probabilities and their effects on the prediction.</summary>
    private static void Tokens(ToolConsole console, TextExplanation explanation, IReadOnlyList<ExplainedToken> tokens,
        bool isTarget)
    {
        Dictionary<int, double> effects = (explanation.Prediction?.Occlusion ?? [])
            .Where(one => one.IsTarget == isTarget).ToDictionary(one => one.Position, one => one.Effect);
        console.Say(isTarget ? "target" : "text");
        console.Table(["number", "token", "probability", "effect in nats"], tokens.Select((token, i) => (string[])
        [
            i.ToString(CultureInfo.InvariantCulture), Quoted(token.Text),
            token.LogProbability is { } log ? Share(log) : "",
            effects.TryGetValue(i, out double effect) ? effect.ToString("+0.000;-0.000", CultureInfo.InvariantCulture)
                : "",
        ]));
    }

    /// <summary>Shows the token that each head looks at most when it predicts.</summary>
    private static void Heads(ToolConsole console, TextExplanation explanation, int at, bool hasTarget)
    {
        foreach (AttentionMap map in explanation.Attention.Where(map => map.Kind != AttentionKind.Text || !hasTarget))
        {
            IReadOnlyList<ExplainedToken> keys =
                map.Kind == AttentionKind.Target ? explanation.Target : explanation.Tokens;
            console.Say(map.Kind == AttentionKind.Cross ? "where each head looks in the text"
                : "where each head looks");
            int heads = Math.Min(ShownHeads, map.HeadCount);
            console.Table(["layer", .. Enumerable.Range(1, heads).Select(head => $"head {head}")],
                map.Weights.Select((layer, i) => (string[])
                [
                    (i + 1).ToString(CultureInfo.InvariantCulture),
                    .. Enumerable.Range(0, heads).Select(head =>
                    {
                        float[] row = layer[((head * map.QueryCount + at) * map.KeyCount)..][..map.KeyCount];
                        int most = Array.IndexOf(row, row.Max());
                        return $"{Quoted(keys[most].Text)} {row[most].ToString("0 %", CultureInfo.InvariantCulture)}";
                    }),
                ]));
        }
    }

    private static string Quoted(string text) => $"'{text.Replace("\n", "⏎", StringComparison.Ordinal)}'";

    private static string Share(double logProbability) =>
        Math.Exp(logProbability).ToString("0.0 %", CultureInfo.InvariantCulture);
}
