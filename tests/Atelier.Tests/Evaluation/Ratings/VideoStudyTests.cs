using Atelier.Evaluation.Ratings;
using Atelier.Models;
using Atelier.Recipes;
using Atelier.Tests.Data;

namespace Atelier.Tests.Evaluation.Ratings;

/// <summary>Videos of two models become a study, which raters see as GIFs.</summary>
public sealed class VideoStudyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Videos_of_two_models_are_gifs_of_their_size_and_checks_are_noise_of_that_size()
    {
        var workshop = new Workshop(new WorkshopOptions { Home = _folder["home"] });
        foreach (string name in (string[])["a", "b"])
            await workshop.TrainAsync(RecipeReader.Read("moving-shapes", ModelFamilies.All,
            [
                "data.worldDocuments=20", "data.video.frames=4", "model.latentLevels=[8]", "model.latentSize=4",
                "model.patchSize=1", "model.channels=[8]", "model.spaceTimeLayers=0", "model.headCount=1",
                "generation.steps=1", "training.steps=1", "training.batchSize=2", "training.sampleEvery=0",
                "training.evaluateEvery=0", "training.schedule.warmupSteps=0", "training.device=cpu",
                $"seed={(int)name[0]}",
            ]), new(_folder[name]));
        string path = await workshop.CreateStudyAsync(_folder["study"], new StudyRequest
        {
            Id = "videos", Title = "Which?", Prompts = ["red-circle", "blue-square"], Count = 1, Checks = 1,
            Models = new Dictionary<string, string> { ["a"] = _folder["a"], ["b"] = _folder["b"] },
        });
        using var store = RatingStore.Open(path);
        StudyItem[] items = [.. store.Study.Items, .. store.Study.CheckItems];
        items.Length.ShouldBe(5);
        items.ShouldAllBe(item => item.MediaType == "image/gif" && item.Text == null);
        byte[][] files = [.. items.Select(item => File.ReadAllBytes(_folder[Path.Combine("study", item.File!)]))];
        files.Select(Opening).ShouldAllBe(opening => opening == "GIF89a 32 32");
        files.Distinct(new ByBytes()).Count().ShouldBe(5);
        store.Study.Checks.Single().ShouldBe(new AttentionCheck(items[0].Id, items[4].Id));

        static string Opening(byte[] file) => System.Text.Encoding.Latin1.GetString(file, 0, 6)
            + $" {file[6] + (file[7] << 8)} {file[8] + (file[9] << 8)}";
    }

    private sealed class ByBytes : IEqualityComparer<byte[]>
    {
        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(byte[] obj) => obj.Length;
    }
}
