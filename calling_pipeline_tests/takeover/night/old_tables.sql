-- The old centre's tables in MariaDB, as the systems that this product replaces made them.
CREATE TABLE call_history (
    mobile_phone varchar(64) NOT NULL PRIMARY KEY, staff_name varchar(100), sys_name varchar(100), order_type varchar(100),
    order_nums int, updated_time datetime
);
CREATE TABLE call_log (
    id bigint AUTO_INCREMENT PRIMARY KEY, mobile_phone varchar(64), status varchar(20), call_time datetime, KEY (mobile_phone)
);
CREATE TABLE call_tasks (
    id bigint AUTO_INCREMENT PRIMARY KEY, batch_id varchar(40), mobile_phone varchar(64), status varchar(20), updated_time datetime
);
CREATE TABLE task_stats_cache (
    id int AUTO_INCREMENT PRIMARY KEY, date date NOT NULL UNIQUE, total_tasks int, callout_number int, called_number int,
    success_number int, connected_rate float, calculated_at datetime, sync_type varchar(20)
);
CREATE TABLE grade_stats_cache (
    id int AUTO_INCREMENT PRIMARY KEY, date date NOT NULL UNIQUE, grade_9 int, grade_1 int, total_success int, total_records int,
    calculated_at datetime, sync_type varchar(20)
);
CREATE TABLE `usage` (user_id varchar(64) PRIMARY KEY, details longtext);
CREATE TABLE infinity_call_configs (
    id bigint AUTO_INCREMENT PRIMARY KEY, tenant_id bigint, config_name varchar(100), api_url varchar(255), app_id varchar(100),
    access_token varchar(255), customer_number varchar(50), max_concurrent_calls int, is_active tinyint(1)
);
CREATE TABLE infinity_extension_pool (
    id bigint AUTO_INCREMENT PRIMARY KEY, tenant_id bigint, config_id bigint, infinity_extension_number varchar(50),
    status enum('AVAILABLE', 'IN_USE', 'OFFLINE') DEFAULT 'AVAILABLE', current_collector_id bigint, assigned_at datetime,
    last_used_at datetime, UNIQUE KEY (config_id, infinity_extension_number)
);
CREATE TABLE collectors (
    id bigint AUTO_INCREMENT PRIMARY KEY, tenant_id bigint, collector_name varchar(100), callback_number varchar(50),
    is_active tinyint(1)
);
CREATE TABLE blacklist (
    id bigint AUTO_INCREMENT PRIMARY KEY, phone varchar(64), source varchar(50), remark varchar(255), expire_time datetime
);
CREATE TABLE communication_records (
    id bigint AUTO_INCREMENT PRIMARY KEY, tenant_id bigint, config_id bigint, collector_id bigint, case_id varchar(50),
    customer_id varchar(50), infinity_extension_number varchar(50), contact_person_phone varchar(64), call_uuid varchar(100),
    contacted_at datetime, call_duration int, is_connected tinyint(1), call_record_url varchar(500), contact_result varchar(100),
    remark text
);
