using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Atelier.Evaluation;
using Atelier.Formats;

namespace Atelier.Cli;

/// <summary>A published result that a built-in recipe is compared with.</summary>
/// <param name="Recipe">The name of the recipe and of the card.</param>
/// <param name="Published">The published figure, in words.</param>
/// <param name="Source">Who published it.</param>
/// <param name="Also">Further metrics of the evaluation to show with its headline.</param>
internal sealed record ReferenceCard(string Recipe, string Published, string Source, params string[] Also)
{
    /// <summary>What the command has after the name of the recipe.</summary>
    public string Arguments { get; init; } = "";

    /// <summary>All cards.</summary>
    public static IReadOnlyList<ReferenceCard> All { get; } =
    [
        new("quickstart", "the world's exact entropy", "computed from its grammar"),
        new("shakespeare-ngram", "5-grams 1.669 nats per character",
            "interpolated Witten-Bell (Witten and Bell 1991) on the same split"),
        new("ewt-tagger", "90.47 % by a plain bigram HMM",
            "add-0.1 transitions, hapax mass for unknown words, on the same split"),
        new("ewt-tagger-bert", "93.1 % by our hidden Markov model", "MiniLM, a BERT of six layers, with a head")
        {
            Arguments = " --from MINILM",
        },
        new("shakespeare-hmm-8", "none; compared with the n-gram", "8 hidden states"),
        new("shakespeare-hmm-32", "none; compared with the n-gram", "32 hidden states"),
        new("shakespeare-hmm-128", "none; compared with the n-gram", "128 hidden states"),
        new("shakespeare-char-small", "1.88 nats per character", "karpathy/nanoGPT, README, its setting without a GPU"),
        new("shakespeare-char-medium", "1.4697 nats per character with 6 layers, 384 wide, context 256",
            "karpathy/nanoGPT, README, its setting with a GPU"),
        new("names", "about 1.92 nats per character", "karpathy/makemore, README, its Transformer"),
        new("names-rnn", "2.10 nats per character by a multilayer perceptron, 1.99 by a WaveNet", "karpathy/makemore"),
        new("poetry-zh", "none; compared with the n-gram", "chinese-poetry/chinese-poetry"),
        new("rnn-words", "none; compared with the n-gram",
            "the surveys' worked example: embedding 256, LSTM of 512 units, 10,000 words"),
        new("pairs-en-zh", "exact match 1", "the world's translation rules", "exactMatch"),
        new("t5-pairs-en-zh", "exact match 1", "the world's translation rules", "exactMatch"),
        new("cmn-en-zh", "none; compared with t5-cmn-en-zh", "Tatoeba's sentences, the same time for both",
            "crossEntropyPerToken"),
        new("t5-cmn-en-zh", "none; compared with cmn-en-zh", "Tatoeba's sentences, the same time for both",
            "crossEntropyPerToken"),
        new("multi30k-en-de", "BLEU 41.02", "Wu et al. 2021, table 1: fairseq's transformer_tiny", "chrf"),
        new("multi30k-de-en", "BLEU 36.52 by a Transformer", "bentrevett/pytorch-seq2seq", "chrf"),
        new("multi30k-de-en-seq2seq", "BLEU 28.30 by a GRU with attention",
            "bentrevett/pytorch-seq2seq", "chrf"),
        new("mnist-vae", "Fréchet distance 4.07 by a VAE, 0.099 by training pictures",
            "abdulfatir/gan-metrics-pytorch, on the same LeNet's features", "classAccuracy"),
        new("mnist-gan", "Fréchet distance 10.66 by an MLP-GAN, 0.099 by training pictures",
            "abdulfatir/gan-metrics-pytorch, on the same LeNet's features", "classAccuracy"),
        new("mnist-diffusion", "none by diffusion; Fréchet distance 4.07 by a VAE, 0.099 by training pictures",
            "abdulfatir/gan-metrics-pytorch, on the same LeNet's features", "classAccuracy"),
        new("mnist-vae-binary", "-86.76 nats per picture by a dense VAE, 5,000 importance samples",
            "Burda et al. 2016, table 1: one layer of 50 latents, dynamic binarisation", "elbo",
            "importanceWeightedBound"),
        new("shapes-diffusion", "none; real pictures 1.000",
            "the world of shapes, whose attributes are read back from the pixels", "frechetDistance"),
        new("sounds-diffusion", "none; real sounds through their spectrograms beside it",
            "the world of sounds, whose attributes are measured from the samples"),
        new("sounds-codec", "none; Opus at 6 kbit/s beside it", "the world of sounds", "rate", "siSdr"),
        new("fsdd-codec", "none; Opus at 6 kbit/s beside it",
            "Jakobovski/free-spoken-digit-dataset, indices 0 to 4", "rate", "siSdr", "classAccuracy"),
        new("fsdd-diffusion", "none; real sounds through their spectrograms, and noise, beside it",
            "Jakobovski/free-spoken-digit-dataset, indices 0 to 4", "classAccuracy"),
        new("fsdd-vocoder", "none; the algorithm of Griffin and Lim beside it",
            "Jakobovski/free-spoken-digit-dataset, indices 0 to 4", "logSpectralDistance"),
        new("fsdd-lm", "none; real sounds through the codec, and noise, beside it",
            "Jakobovski/free-spoken-digit-dataset, indices 0 to 4", "classAccuracy"),
        new("recordings-codec", "none; Opus at 12 kbit/s beside it",
            "librosa's example recordings: another speaker and a trumpet are held out", "rate", "siSdr"),
        new("nasa-clip", "none; the last frame again beside it", "a film by NASA, its end held out",
            "peakSignalToNoiseGain", "structuralSimilarity"),
        new("moving-shapes", "none; the last frame again beside it",
            "the world of moving shapes, whose attributes are read back from the frames", "peakSignalToNoiseGain",
            "attributesRight"),
        new("moving-shapes-lm", "none; the last frame again beside it",
            "the world of moving shapes, whose attributes are read back from the frames", "peakSignalToNoiseGain",
            "attributesRight"),
        new("moving-digits", "none; compared with moving-digits-convlstm", "MNIST's digits, moving",
            "peakSignalToNoiseGain", "structuralSimilarity"),
        new("moving-digits-convlstm", "none; compared with moving-digits", "MNIST's digits, moving",
            "peakSignalToNoiseGain", "structuralSimilarity"),
        new("learning-test-network", "at the true graph log-likelihood -23832.132 (-4.766 a row), BIC -24006.734",
            "bnlearn, on its own rows"),
        new("asia-network", "at the true graph log-likelihood -11033.087 (-2.207 a row), BIC -11109.742",
            "bnlearn, on its own rows"),
        new("alarm-network", "at the true graph log-likelihood -216249.401 (-10.812 a row), BIC -218769.838",
            "bnlearn, on its own rows"),
        new("asia-structure", "at the true graph BIC -11109.742; 1 to 6 of 8 edges with the right direction",
            "bnlearn; pgmpy 0.1.26, hill climbing with BIC on the same rows, five runs"),
        new("alarm-structure", "at the true graph BIC -218769.838; 25 to 33 of 46 edges with the right direction",
            "bnlearn; pgmpy 0.1.26, hill climbing with BIC on the same rows, five runs"),
    ];
}

/// <summary>
/// Results of cards, kept in a JSON file in the page's folder, so that an interrupted series continues.
/// </summary>
/// <param name="page">The Markdown page.</param>
internal sealed class ReferenceCardResults(string page)
{
    private readonly string _store = Path.ChangeExtension(page, ".json");

    /// <summary>Reads the results so far, by recipe.</summary>
    public JsonObject Read()
    {
        if (!File.Exists(_store))
            return [];
        try
        {
            return JsonNode.Parse(File.ReadAllText(_store)) as JsonObject
                ?? throw new JsonException("it is not an object");
        }
        catch (JsonException e)
        {
            throw new AtelierException($"not the results of cards: {e.Message.TrimEnd('.')}", _store,
                "delete it to run all cards again", e);
        }
    }

    /// <summary>Stores a result and rewrites the page.</summary>
    public void Add(string recipe, TrainingOutcome outcome, EvaluationReport report)
    {
        JsonObject all = Read();
        string figure = report.Headline.Metric;
        string[] also = ReferenceCard.All.Single(c => c.Recipe == recipe).Also;
        all[recipe] = new JsonObject
        {
            ["figure"] = report.Headline.Unit, ["data"] = report.Data, ["steps"] = outcome.Report.Steps,
                ["seconds"] = outcome.Report.Seconds, ["ours"] = Commands.EvaluateCommand.Json(report.Metrics[figure]),
            ["baselines"] = new JsonObject(report.Baselines.Where(b => b.Value.ContainsKey(figure))
                .Select(b => KeyValuePair.Create<string, JsonNode?>(b.Key,
                    Commands.EvaluateCommand.Json(b.Value[figure])))),
            ["also"] = new JsonObject(also.Where(report.Metrics.ContainsKey)
                .Select(name =>
                KeyValuePair.Create<string, JsonNode?>(name, Commands.EvaluateCommand.Json(report.Metrics[name])))),
        };
        AtomicFile.WriteText(_store, all.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n");
        AtomicFile.WriteText(page, Markdown(all));
    }

    private static string Markdown(JsonObject all)
    {
        var text = new StringBuilder("""
            # Reference cards
            Published results and ours on held-out data, with 95 % intervals and the unit of each.
            `atelier cards` writes this page.

            | data | published | source | ours | unit | baselines | steps | seconds | command |
            |---|---|---|---|---|---|---|---|---|

            """);
        foreach (ReferenceCard card in ReferenceCard.All)
        {
            if (all[card.Recipe] is not JsonObject result)
                continue;
            string baselines =
                string.Join(", ", result["baselines"]!.AsObject().Select(b => $"{b.Key} {Number(b.Value!["value"]!)}"));
            string also = result["also"] is JsonObject figures
                ? string.Concat(figures.Select(f => $", {f.Key} {Interval(f.Value!)}")) : "";
            text.Append(CultureInfo.InvariantCulture,
                $"| {result["data"]} | {card.Published} | {card.Source} | {Interval(result["ours"]!)}{also} | "
                    + $"{result["figure"]?.GetValue<string>() ?? Headline.CrossEntropy.Unit} ")
                .Append(CultureInfo.InvariantCulture,
                    $"| {baselines} | {result["steps"]} | {result["seconds"]!.GetValue<double>():0} | `atelier train "
                        + $"{card.Recipe}{card.Arguments}` |\n");
        }
        return text.ToString();
    }

    private static string Interval(JsonNode figure) =>
        $"**{Number(figure["value"]!)}** [{Number(figure["low"]!)}, {Number(figure["high"]!)}]";

    private static string Number(JsonNode value) =>
        value.GetValue<double>().ToString("0.000", CultureInfo.InvariantCulture);
}
