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
    private const string All = "all";

    private readonly Option<string?> _text = new("--text") { HelpName = "TEXT",
        Description = "A text: shows why its next token, or the token of --token, is predicted." };
    private readonly Option<string?> _target = new("--target") { HelpName = "TEXT",
        Description = "The text that the model should have written. By default, the one that it writes." };
    private readonly Option<int?> _token = new("--token") { HelpName = "N",
        Description = "The number of the token to explain, as the table of tokens counts them." };

    private readonly Option<string[]> _by = new("--by") { HelpName = "METHOD",
        Description = "How the prediction is attributed to the tokens: occlusion, integrated-gradients, "
            + "gradient-times-input or all. Can be repeated; by default occlusion.",
        DefaultValueFactory = _ => [] };

    private readonly Option<int?> _nearest = new("--nearest") { HelpName = "N",
        Description = "Also shows the N passages of the training data that are nearest to the text." };

    public void AddTo(Command command)
    {
        command.Add(_nearest);
        command.Add(_by);
        command.Add(_text);
        command.Add(_target);
        command.Add(_token);
    }

    /// <summary>Returns the text to explain, or null.</summary>
    public TextExplanationRequest? Read(ParseResult parse)
    {
        (string? target, int? token) = (parse.GetValue(_target), parse.GetValue(_token));
        string[] by = parse.GetRequiredValue(_by);
        if (parse.GetValue(_text) is { } text)
        {
            return new TextExplanationRequest(text)
            {
                Target = target, Token = token,
                Methods = by.Length > 0 ? Methods(by) : new TextExplanationRequest(text).Methods,
            };
        }
        return target is not null ? throw Textless("--target")
            : token is not null ? throw Textless("--token")
            : by.Length > 0 ? throw Textless("--by")
            : parse.GetValue(_nearest) is not null ? throw Textless("--nearest")
            : null;

        static AtelierException Textless(string option) =>
            new("there is no text to explain", option, "add --text TEXT");
    }

    /// <summary>Returns the text, or null, where the other options on a text do not belong.</summary>
    /// <param name="parse">The options.</param>
    /// <param name="option">The option that they do not belong to.</param>
    /// <exception cref="AtelierException">One of them is given.</exception>
    public string? TextAlone(ParseResult parse, string option)
    {
        string? other = parse.GetValue(_target) is not null ? _target.Name
            : parse.GetValue(_token) is not null ? _token.Name
            : parse.GetRequiredValue(_by).Length > 0 ? _by.Name
            : parse.GetValue(_nearest) is not null ? _nearest.Name : null;
        return other is null ? parse.GetValue(_text)
            : throw new AtelierException($"it does not go with {option}", other, "leave one of them out");
    }

    private static AttributionMethod[] Methods(string[] names)
    {
        AttributionMethod[] all = Enum.GetValues<AttributionMethod>();
        return names.Contains(All) ? all : [.. names.Select(name => all
            .Where(method => TextExplanationJson.NameOf(method) == name).Select(m => (AttributionMethod?)m)
            .FirstOrDefault() ?? throw new AtelierException($"there is no method '{name}'", "--by",
                $"use {string.Join(", ", all.Select(TextExplanationJson.NameOf).Append(All))}")).Distinct()];
    }

    /// <summary>Explains a text, shows the explanation and writes its pictures.</summary>
    /// <param name="console">The console.</param>
    /// <param name="workshop">Opens the model.</param>
    /// <param name="parse">The options.</param>
    /// <param name="request">The text.</param>
    /// <param name="run">The folder of the model.</param>
    /// <param name="folder">The folder of the pictures; null writes none.</param>
    /// <param name="cancellation">Cancels the operation.</param>
    /// <exception cref="AtelierException">The model explains no texts, or not this one.</exception>
    public void Explain(ToolConsole console, Workshop workshop, ParseResult parse, TextExplanationRequest request,
        string run, string? folder, CancellationToken cancellation)
    {
        IReadOnlyList<NearPassage>? nearest = parse.GetValue(_nearest) switch
        {
            null => null,
            < 1 => throw new AtelierException("at least one passage is needed", "--nearest", "give a number from 1"),
            { } count => workshop.FindNearestPassages(run, request.Text, count, cancellation),
        };
        TextExplanation explanation = workshop.ExplainText(run, request, cancellation);
        Show(console, explanation);
        if (nearest is not null)
            Nearest(console, nearest);
        string[] pictures = ExplainCommand.WritePictures(console, folder,
            TextExplanationImages.Of(explanation, cancellation));
        console.Result(() =>
        {
            JsonObject json = TextExplanationJson.Write(explanation, key => key);
            json.Insert(0, "run", Path.GetFullPath(run));
            json["pictures"] = new JsonArray([.. pictures.Select(path => (JsonNode)Path.GetFullPath(path))]);
            if (nearest is not null)
                json["nearest"] = new JsonArray([.. nearest.Select(one => (JsonNode)new JsonObject
                {
                    ["share"] = one.Share, ["document"] = one.Document, ["start"] = one.Start, ["text"] = one.Text,
                    ["common"] = one.Common,
                })]);
            return json;
        });
    }

    private static void Nearest(ToolConsole console, IReadOnlyList<NearPassage> passages)
    {
        console.Say(passages.Count == 0 ? "\nno passage of the training data shares an n-gram with the text"
            : "\nnearest passages of the training data");
        if (passages.Count > 0)
            console.Table(["share", "document", "passage", "longest in common"], passages.Select(one => (string[])
            [
                one.Share.ToString("0 %", CultureInfo.InvariantCulture),
                one.Document.ToString(CultureInfo.InvariantCulture), Quoted(one.Text), Quoted(one.Common),
            ]));
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
        if (prediction.Attributions.Select(one => one.Completeness).FirstOrDefault(one => one is not null) is { } sum)
            console.Say(string.Create(CultureInfo.InvariantCulture, $"integrated gradients: {sum.Points} points, which "
                + $"sum to {sum.Sum:0.000} of {sum.Change:0.000} nats ({sum.Error:0.0 %} off)"));
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
        IReadOnlyList<Attribution> attributions = explanation.Prediction?.Attributions ?? [];
        console.Say(isTarget ? "target" : "text");
        console.Table(["number", "token", "probability", .. attributions.Select(Column)],
            tokens.Select((token, i) => (string[])
            [
                i.ToString(CultureInfo.InvariantCulture), Quoted(token.Text),
                token.LogProbability is { } log ? Share(log) : "",
                .. attributions.Select(one => one.Tokens.Where(at => at.IsTarget == isTarget && at.Position == i)
                    .Select(at => Signed(at.Effect))
                    .FirstOrDefault("")),
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

    private static string Column(Attribution attribution) => attribution.Method == AttributionMethod.Occlusion
        ? "effect in nats" : $"by {TextExplanationJson.NameOf(attribution.Method)}";

    // rounded first: a small negative number would have both signs
    private static string Signed(double effect) =>
        (Math.Round(effect, 3) + 0.0).ToString("+0.000;-0.000", CultureInfo.InvariantCulture);

    private static string Quoted(string text) => $"'{text.Replace("\n", "⏎", StringComparison.Ordinal)}'";

    private static string Share(double logProbability) =>
        Math.Exp(logProbability).ToString("0.0 %", CultureInfo.InvariantCulture);
}
