using System.Text.Json;
using Atelier;
using Atelier.Benchmarks;

(string Name, string Description, Action<string> Draw)[] pictures =
[
    ("network-cost", "how the cost of Bayesian networks grows with rows and variables; FOLDER takes the pictures",
        NetworkCost.Draw),
    ("hmm-cost", "how the cost of hidden Markov models grows with states and length; FOLDER takes the pictures",
        HmmCost.Draw),
    ("train-scaling",
        "tokens a second as width, layers, context and batch grow, beside PyTorch's best; FOLDER takes the picture, "
            + "ROUNDS (1) may follow", folder => TrainingScaling.Draw(folder, Rounds(2, 1))),
];
Comparison[] comparisons = [.. TrainingComparisons.All, .. ImageComparisons.All, .. VideoComparisons.All,
    .. SoundComparisons.All, .. TokenizerComparisons.All,
    .. NetworkComparisons.All, .. HmmComparisons.All];
try
{
    if (args is ["work", string work, ..])
    {
        Measurement m = work switch
        {
            Comparison.RooflineName => Roofline.Measure(),
            HmmLongPass.Name => HmmLongPass.Measure(Rounds(2), Rounds(3), args[4], args[5]),
            _ => OperatorPathTiming.Measure(work) ?? Find(work).Ours(),
        };
        Console.WriteLine(JsonSerializer.Serialize(new { value = m.Value, peakMiB = m.PeakMiB, loss = m.Loss }));
    }
    else if (args is [HmmLongPass.Name, ..])
    {
        HmmLongPass.Run(Rounds(1, 10_000_000));
    }
    else if (args.Length > 0 && Array.Exists(DecodingComparison.All, c => c.Name == args[0]))
    {
        DecodingComparison.Run(args[0], Rounds(1, 5));
    }
    else if (args is [GgufTypes.Name, ..])
    {
        GgufTypes.Run(Rounds(1, 5), args[Math.Min(2, args.Length)..]);
    }
    else if (args.Length > 0 && Array.Exists(ServingComparison.All, c => c.Name == args[0]))
    {
        await ServingComparison.RunAsync(args[0], Rounds(1, 5));
    }
    else if (args is [EmbeddingComparison.Name, ..])
    {
        EmbeddingComparison.Run(Rounds(1, 7));
    }
    else if (args.Length > 0 && Array.Exists(TranslationComparison.All, c => c.Name == args[0]))
    {
        TranslationComparison.Run(args[0], Rounds(1, 5), args.ElementAtOrDefault(2));
    }
    else if (args is ["constraint", ..])
    {
        ConstraintTiming.Run(Rounds(1));
    }
    else if (args is ["ngram", ..])
    {
        NgramTiming.Run(Rounds(1, 3));
    }
    else if (args is ["signals", ..])
    {
        SignalTiming.Run(Rounds(1, 50), Rounds(2, 8), args[Math.Min(3, args.Length)..]);
    }
    else if (args is [OperatorPathTiming.Name, ..])
    {
        OperatorPathTiming.Run(Rounds(1));
    }
    else if (args is [LongMedia.Name, ..])
    {
        LongMedia.Run(Rounds(1, 60));
    }
    else if (args is ["products", ..])
    {
        ProductTiming.Run(Rounds(1, 9));
    }
    else if (args is ["train-memory", ..])
    {
        TrainingMemory.Run(Rounds(1, 20_000), args.ElementAtOrDefault(2) ?? "gpt");
    }
    else if (args is ["step-cost", string measured, ..])
    {
        StepCost.Run(measured, Rounds(2, 30), Rounds(3, 0));
    }
    else if (args is [DeletionCurves.Name, string explained, string texts, ..])
    {
        DeletionCurves.Run(explained, texts, Rounds(3, 100));
    }
    else if (args is ["speculative", string model, string draft, ..])
    {
        SpeculativeComparison.Run(model, draft, Rounds(3), args.ElementAtOrDefault(4));
    }
    else if (args is [string name, string folder, ..] && Array.Find(pictures, p => p.Name == name)
        is { Draw: not null } picture)
    {
        picture.Draw(folder);
    }
    else if (args.Length > 0)
    {
        Find(args[0]).Run(Rounds(1));
    }
    else
    {
        Console.WriteLine("benchmarks/run NAME [ROUNDS]");
        foreach (Comparison comparison in comparisons)
            Console.WriteLine($"  {comparison.Name,-16} {comparison.Description}");
        foreach ((string decoding, string told, _, _) in DecodingComparison.All)
            Console.WriteLine($"  {decoding,-16} {told}");
        Console.WriteLine($"  {GgufTypes.Name,-16} {GgufTypes.Description}");
        foreach ((string serving, string told, _) in ServingComparison.All)
            Console.WriteLine($"  {serving,-16} {told}");
        Console.WriteLine($"  {EmbeddingComparison.Name,-16} {EmbeddingComparison.Description}");
        foreach (TranslationComparison translation in TranslationComparison.All)
            Console.WriteLine($"  {translation.Name,-16} {translation.Description}");
        Console.WriteLine(
            "benchmarks/run products [ROUNDS]: matrix products in the shapes of training, ours and the "
                + "tensor library's");
        Console.WriteLine($"benchmarks/run {LongMedia.Name} [MINUTES]: {LongMedia.Description}");
        Console.WriteLine(
            "benchmarks/run ngram [ROUNDS]: n-grams over 30,000 tokens, how fast they score one document and "
                + "give all logits");
        Console.WriteLine(
            "benchmarks/run signals [MOMENTS [LOAD [NAME …]]]: how long every command goes on after SIGTERM at a "
                + "random moment, while LOAD (8) such commands run at once");
        Console.WriteLine(
            "benchmarks/run operator-paths [ROUNDS]: what the paths cost that serve where the tensor library is wrong");
        Console.WriteLine(
            "benchmarks/run constraint [ROUNDS]: what a JSON schema costs a token, with GPT-2's vocabulary");
        Console.WriteLine($"benchmarks/run {DeletionCurves.Name} RUN FILE [TEXTS]: {DeletionCurves.Description}");
        Console.WriteLine(
            "benchmarks/run train-memory [STEPS [gpt|vae|gan|diffusion]]: the memory that a long training holds, "
                + "told ten times");
        Console.WriteLine(
            "benchmarks/run speculative MODEL DRAFT|LOOKUP [ROUNDS [PROMPT.txt]]: decode with a draft and without");
        Console.WriteLine(
            "benchmarks/run hmm-long [LENGTH]: time and memory of one long sequence, with all vectors kept and "
                + "with checkpoints");
        Console.WriteLine(
            "benchmarks/run step-cost MODEL [ROUNDS [THREADS]]: a step's time by the tokens that it reads at once");
        Console.WriteLine("benchmarks/run NAME FOLDER");
        foreach ((string known, string description, _) in pictures)
            Console.WriteLine($"  {known,-16} {description}");
    }
    return 0;
}
catch (AtelierException e)
{
    Console.Error.WriteLine("error: " + e.ToLine());
    return 2;
}

int Rounds(int at, int usual = 7) => args.Length <= at ? usual
    : int.TryParse(args[at], System.Globalization.CultureInfo.InvariantCulture, out int number) && number > 0 ? number
    : throw new AtelierException($"'{args[at]}' is no whole number above 0", hint: "benchmarks/run NAME [ROUNDS]");

Comparison Find(string name) => comparisons.Concat(TrainingScaling.All).FirstOrDefault(c => c.Name == name)
    ?? throw new AtelierException($"there is no comparison '{name}'", hint: "benchmarks/run lists them");
