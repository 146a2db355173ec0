"""An import into the do-not-call list in a browser."""

from playwright.sync_api import expect


def test_a_thousand_lines_with_fifty_bad_ones_are_checked_and_imported_from_a_file(log_in):
    lines = [f"1371234{n:04}" if n % 20 else f"137****{n:04}" for n in range(1000)]
    page = log_in("operator")
    page.goto("/policy/import")
    file = {"name": "list.txt", "mimeType": "text/plain", "buffer": "\n".join(lines).encode()}
    page.get_by_label("File").set_input_files(file)
    page.get_by_test_id("try").click()
    expect(page.get_by_test_id("reconciled")).to_have_text("1,000 lines = 950 new + 0 changed + 0 unchanged + 50 rejected")
    expect(page.get_by_test_id("rejected-lines").get_by_role("row")).to_have_count(51)
    page.get_by_test_id("import-do").click()
    expect(page.get_by_test_id("imported")).to_contain_text("950 numbers were imported")
    page.goto("/policy/do-not-call")
    expect(page.get_by_test_id("do_not_call-range")).to_contain_text("of 950")
