// Trains, evaluates and uses a model of a family that the library does not know.
// dotnet run -c Release --project samples/OwnFamily -- runs/bigram training.steps=300
using Atelier;
using Atelier.Abstractions;
using Atelier.Models;
using Atelier.Recipes;
using OwnFamily;

string folder = args.Length > 0 ? args[0] : "runs/bigram";
var workshop = new Workshop(new WorkshopOptions { Families = [.. ModelFamilies.All, new BigramFamily()] });
Recipe recipe = RecipeReader.Parse("""
    name: bigram
    data: {source: "world:stories-en", worldDocuments: 5000}
    model: {family: bigram, hiddenSize: 32}
    training: {steps: 600, batchSize: 16, optimizer: {learningRate: 1e-2}}
    """, "bigram", workshop.Families, [.. args.Skip(1)]);

await workshop.TrainAsync(recipe, new(folder));
Console.WriteLine((await workshop.EvaluateAsync(folder)).Verdict);

using ITrainedModel model = workshop.Open(folder);
var request = new GenerationRequest { Count = 2, Seed = 7 };
await foreach (Sample sample in model.Require<IGenerator>().GenerateAsync(request))
    Console.WriteLine(sample.Shown);
