using Atelier.Evaluation.Ratings;

namespace Atelier.Tests.Evaluation.Ratings;

public sealed class StudyTests
{
    [Fact]
    public void A_study_is_the_same_after_writing_and_reading()
    {
        foreach (Study study in (Study[])[Simulation.Study(3, 4, checks: 2, checkEvery: 5), Simulation.Scales(2, 3)])
        {
            string json = study.ToJson();
            json.ShouldContain(study.Kind == StudyKind.Scale ? "\"kind\":\"scale\"" : "\"kind\":\"pairwise\"");
            Study read = Study.FromJson(json);
            read.ToJson().ShouldBe(json);
            read.Models.ShouldBe(study.Models);
        }
    }

    public static TheoryData<string, string> Faults { get; } = new()
    {
        { "\"id\":\"simulated\"", "\"id\":\"\"" },
        { "\"id\":\"m0-1\"", "\"id\":\"m0-0\"" },
        { "\"id\":\"m0-1\"", "\"id\":\"m0\\n1\"" },
        { "\"promptId\":\"p1\"", "\"promptId\":\"p0\"" },
        { "\"text\":\"Output of m0 for prompt 0\"", "\"text\":null" },
        { "\"text\":\"Output of m0 for prompt 0\"", "\"file\":\"a.png\"" },
        { "\"text\":\"Output of m0 for prompt 0\"", "\"file\":\"../a.png\",\"mediaType\":\"image/png\"" },
        { "\"text\":\"Output of m0 for prompt 0\"", "\"file\":\"/etc/passwd\",\"mediaType\":\"image/png\"" },
        { "\"text\":\"Output of m0 for prompt 0\"", "\"file\":\"C:a.png\",\"mediaType\":\"image/png\"" },
        { "\"better\":\"good-0\"", "\"better\":\"good-1\"" },
        { "\"worse\":\"spoilt-0\"", "\"worse\":\"m0-0\"" },
        { "\"checkEvery\":5", "\"checkEvery\":-1" },
        { "\"checkEvery\":5", "\"checkEvry\":5" },
        { "\"kind\":\"pairwise\"", "\"kind\":\"scale\"" },
        { "\"kind\":\"pairwise\"", "\"kind\":7" },
        { "\"rubrics\":[]", "\"rubrics\":[{\"name\":\"a\",\"description\":\"\"}]" },
        { "\"rubrics\":[]", "\"rubrics\":null" },
        { "\"items\":[", "\"items\":[null," },
        { "\"checks\":[", "\"checks\":[null," },
        { "}", "" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_study_with_a_fault_is_refused(string part, string fault)
    {
        string json = Simulation.Study(2, 2, checks: 2, checkEvery: 5).ToJson();
        json.ShouldContain(part);
        int at = json.IndexOf(part, StringComparison.Ordinal);
        Should.Throw<AtelierException>(() => Study.FromJson(json[..at] + fault + json[(at + part.Length)..]));
    }

    [Fact]
    public void A_media_file_inside_the_folder_is_accepted()
    {
        Study study = Simulation.Study(2, 1);
        Study media = study with
        {
            Items = [.. study.Items.Select(item =>
                item with { Text = null, File = $"a/{item.Id}.png", MediaType = "image/png" })],
        };
        media.Check();
        Study.FromJson(media.ToJson()).Items[0].File.ShouldBe("a/m0-0.png");
    }

    [Fact]
    public void A_study_of_scales_needs_a_scale_that_is_not_empty()
    {
        Study study = Simulation.Scales(1, 1);
        study.Check();
        Should.Throw<AtelierException>(() => (study with { Rubrics = [] }).Check());
        Should.Throw<AtelierException>(() =>
            (study with { Rubrics = [study.Rubrics[0] with { Lowest = 5 }] }).Check());
        Should.Throw<AtelierException>(() =>
            (study with { Rubrics = [study.Rubrics[0], study.Rubrics[0]] }).Check());
    }

    [Fact]
    public void Outputs_that_cannot_be_compared_are_no_pairwise_study()
    {
        Study study = Simulation.Study(2, 2);
        Should.Throw<AtelierException>(() => (study with { Items = [study.Items[0], study.Items[3]] }).Check())
            .Where.ShouldBe("items");
    }
}
